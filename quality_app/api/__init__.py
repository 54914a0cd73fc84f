"""Quality over HTTP: mounted by the project below /quality, /gaps, /anomalies, /integrity and /reconciliations."""

"""Quality over HTTP: mounted by the project below /quality, /gaps, /wanted, /incidents, /anomalies and others."""

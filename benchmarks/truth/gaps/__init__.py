"""How right the desk's gaps are: known holes in real and generated data, beside detectors that are commonly used."""

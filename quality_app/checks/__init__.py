"""Named, cited, versioned rules over rows of market data. Pure: no Django."""

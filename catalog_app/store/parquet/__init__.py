"""Parquet files as bytes: joining them without decoding."""

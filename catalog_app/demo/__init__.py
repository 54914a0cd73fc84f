"""The demo store: synthetic market data with known, planted defects.

Pure: from a seed to canonical frames to files. `universe` says what there is, `calendars`
when it trades, `paths`, `bars` and `ticks` simulate it, `defects` and `damage` break it on
purpose, `manifest` lists what was broken, `build` writes it all.
"""

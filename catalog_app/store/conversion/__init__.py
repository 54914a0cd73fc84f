"""The parts of converting a store: what there is to do, rows, definitions, and proof that nothing was lost."""

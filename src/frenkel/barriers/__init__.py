"""Defects and hops of a crystal by an interatomic potential or from finished calculations, as a material.

`crystal` lists what differs by symmetry, `calculators` names potentials, `paths` relaxes and finds saddles,
`study` does all of it and keeps each finished calculation, `finished` reads those of other programs,
`spread` says how wrong a number may be, `numbers` turns energies into numbers of a material, `report` writes.
ASE and potentials are imported where they are used: the extra ``barriers``.
"""

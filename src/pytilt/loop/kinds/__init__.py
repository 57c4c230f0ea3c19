"""What is done for the resources of one kind: one file per kind, all behind `ResourceKind` of `protocol`.

Here belongs how a resource of a kind is updated, how it is removed, and what keeps its runtime true. What is plain data
of a kind (its files, what counts as a change of it, what runs beside it) is answered by its `Deploy` struct in
`model/resources.py`. A new kind is such a struct, one file here, and a line in `session/composition.py`.
"""

"""The report: one HTML page that shows what a run made, offline and by itself.

``page`` puts it together; ``collect``, ``availability``, ``samples`` and
``distributions`` gather what it shows; ``map`` and ``charts`` draw it with ``svg``.
"""

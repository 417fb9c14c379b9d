"""Records of provenance: how a file was made, in the words of SEIS-PROV.

A run writes one document of W3C PROV in XML, with the types of SEIS-PROV 0.1
(seismicdata.github.io/SEIS-PROV): the software, the input file, the function, its
parameters, the run itself, and one entity for what it wrote of each station and tag.
Every trace written refers to that entity by its ``provenance_id``. Ids follow from
what the work depends on, not from the order or the hour, so they are known when a
trace is written; everything else is known when the run ends.

``ids`` names records, ``run`` says what is known of a run, ``document`` writes it,
``reading`` reads it back.
"""

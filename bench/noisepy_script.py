"""The script that is measured for NoisePy; it runs in an interpreter that has it.

``python noisepy_script.py FOLDER OUTPUT CONFIGURATION_AS_JSON``: the folder holds an
ASDF file named after the time it spans, as NoisePy wants it.
"""

import json
import sys

from noisepy.seis import cross_correlate
from noisepy.seis.io.asdfstore import ASDFRawDataStore
from noisepy.seis.io.datatypes import ConfigParameters, FreqNorm, RmResp, TimeNorm
from noisepy.seis.io.numpystore import NumpyCCStore


def main(folder: str, output: str, configuration: str) -> None:
    """Correlate every station with every other and itself."""
    config = ConfigParameters()
    for name, value in json.loads(configuration).items():
        setattr(config, name, value)
    config.freq_norm, config.time_norm = FreqNorm.RMA, TimeNorm.NO
    config.rm_resp = RmResp.NO
    # Of the stores that NoisePy offers the one that took the least time.
    cross_correlate(ASDFRawDataStore(folder), config, NumpyCCStore(output))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What the server of `command` has loaded before it forks."""

import asdf_pipeline.cli
import asdf_pipeline.container.parallel
import asdf_pipeline.container.verify
import asdf_pipeline.engine
import asdf_pipeline.function.load  # noqa: F401

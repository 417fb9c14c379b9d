"""What the server of `command` has loaded before it forks."""

import asdf_pipeline.cli
import asdf_pipeline.container.parallel
import asdf_pipeline.container.verify
import asdf_pipeline.engine
import asdf_pipeline.manifest
import asdf_pipeline.stage
import asdf_pipeline.team.alone
import asdf_pipeline.team.processes
import asdf_pipeline.work.load  # noqa: F401

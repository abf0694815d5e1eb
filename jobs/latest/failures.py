"""What can keep the tables from following the archive; none of it endangers what is archived."""

from jobs.errors import PipelineError


class LatestError(PipelineError):
    """The tables can't be brought up to date."""


class TablesInUse(LatestError):
    """Another process is at the same tables."""


class ContainerDiffers(LatestError):
    """A container isn't what its delivery record says."""


class ContainerOfNewerVersion(LatestError):
    """A container holds attributes that this version doesn't know."""

"""Video files: one call in front, a file for each decoder, and one that writes.

Nothing else imports a video library. Each is imported, and files are opened, inside the calling
process: a decord reader does not survive a fork.
"""

from ablate.data.video.read import VideoInfo, map_frames, probe, read_frames
from ablate.data.video.write import write_video

__all__ = ["VideoInfo", "map_frames", "probe", "read_frames", "write_video"]

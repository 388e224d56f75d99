"""A warm process that forks a child per task, and the notebook kernel that such a child is.

`executor`: a `concurrent.futures.Executor` that starts the `parent` process, which forks a `child` per task.
`kernel`: what a child inherits, and serves to another process; `streams` are its outputs.
`notebooks`: papermill's engine on such a kernel, reached through `channels`; what is slow the first time is done once.
"""

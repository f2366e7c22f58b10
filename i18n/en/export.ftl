### Files made in the background.

export-title = Exported file
export-all = Export everything (in the background)
export-about = The file is made in the background, only you can take it, and it is kept for 7 days.
export-do-ask = Make the file
export-format = Format
export-done-asked = The file is being made; you may leave this page
export-take = Take the file
export-progress = Progress
export-rows = Rows
export-size = Size
export-until = Kept until
export-cut = the file ends at the largest size, older events are not in it
export-over = The file's time is over and it was deleted. Ask for it again.
export-wait = The file is not ready yet.
export-job = Export
export-note = events written
export-sweep-job = Deleting exported files whose time is over
export-error-format = The format must be csv, ndjson or parquet.
export-error-line = This version cannot read the query. Ask again.
export-error-right = Who asked may not search any more.
export-error-full = Exported files have taken all their room. Wait until old ones are deleted.
export-error-groups = There are too many different values and the file would lack rows, so none is made. Narrow the time or add a condition.

### The machines that the platform runs on.

node-title = Machines of the platform
node-one-machine = This installation runs on one machine. When one is no longer enough, or when work must go on while one is down, see the chapter “Growing” of README.md.
node-name = Machine
node-role = Role
node-role-all = Intake and pages
node-role-intake = Intake
node-role-web = Pages and searches
node-state = State
node-state-alive = Alive
node-state-silent = Silent
node-state-ended = Ended
node-since = since
node-seen = Last sign of life
node-centre = Central duties
node-centre-here = Has the central duties
node-centre-none = No machine that is alive has the central duties (detection, merging, retention, schedules, telling people). At least one machine with the role “web” or “all” is needed.
node-sources = Sources taken
node-sources-of = Log sources that { $node } takes
node-sources-none = This machine takes no source just now.
node-sources-more = { $count ->
    [one] And one more source.
   *[other] And { $count } more sources.
}
node-address = Address for senders
node-judged-all = Detection has judged every change of the lake, up to number { $last }.
node-behind = { $count ->
    [one] Detection is one change of the lake behind.
   *[other] Detection is { $count } changes of the lake behind.
}
node-behind-since = The oldest has waited since
node-judged = Judged and stored: change { $judged } of { $last }.
node-judged-at = What detection remembers was stored at
node-judged-none = Detection has not begun yet.

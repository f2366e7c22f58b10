### The report of a hunt over files (`luytre hunt --format html`).

hunt-report-title = Hunt report
hunt-searched = { $events } events read in { $files } files; { $unreadable } records could not be read. { $findings } findings. Times in this report are UTC.
hunt-not-searched = Files not read, or not to their end
hunt-by-rule = By rule
hunt-by-host = By host
hunt-by-tactic = By ATT&CK tactic
hunt-by-technique = By ATT&CK technique
hunt-timeline = Timeline
hunt-timeline-cut = { $count } more findings; see all of them with --format csv or jsonl.
hunt-severity = Severity
hunt-findings = Findings
hunt-worst = Worst
hunt-rule = Rule
hunt-first = First
hunt-last = Last
hunt-time = Time
hunt-host = Host
hunt-tactic = Tactic
hunt-technique = Technique
hunt-why = Why
hunt-file = File and record
hunt-reason = Reason
hunt-unnamed = (none named)

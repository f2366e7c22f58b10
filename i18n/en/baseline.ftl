### Baselines.

baseline-title = Baselines
baseline-about = Each baseline learns each log source by itself: which values are usual, how much, how regular. Until it has learned it is silent. Switch one off or on for a source here; what was not switched follows [baselines] in the configuration. One that is off still learns.
baseline-speaks = On watch
baseline-learns = Learning
baseline-off = Switched off
baseline-state = State
baseline-name = Baseline
baseline-progress = Learned
baseline-events = Events
baseline-parts = Spans of time
baseline-hours = hours
baseline-since = Learning since
baseline-empty = No source has sent events that a baseline reads. A baseline begins to learn with the first.
baseline-switch = Switch
baseline-do-on = Switch on
baseline-do-off = Switch off
baseline-notice-switched = The baseline is switched for this source
baseline-error-source = No such log source.
baseline-error-state = Choose on, off or as configured.

//! Every limit of this crate in one place, each with its reason.

use chrono::TimeDelta;

/// Findings that one transaction takes: keeps the write lock of the embedded database short.
pub(crate) const FINDINGS_PER_BATCH: usize = 2_000;

/// Findings of one alert that are remembered one by one; past it, a repeat is told by its event id.
/// A rule that fires on every event of a flood must not fill the database.
pub(crate) const FINDING_KEYS_PER_ALERT: u64 = 1_000;

/// Days that the identity of a finding is remembered: longer than any spool replays, and than the
/// preview of an exception looks back.
pub(crate) const FINDINGS_KEPT_DAYS: i64 = 35;

/// Event ids kept at each end of an alert: enough to show how it began and where it stands.
pub(crate) const EVENTS_PER_END: usize = 100;

/// Matches kept with an alert: those of its first finding, cut here for the few rules with more.
pub(crate) const MATCHES_PER_ALERT: usize = 20;

/// An alert takes findings for so long after its last one.
pub(crate) const WINDOW_QUIET: TimeDelta = TimeDelta::minutes(30);

/// No alert spans more than this: tomorrow's attack deserves a new line on the duty page.
pub(crate) const WINDOW_WHOLE: TimeDelta = TimeDelta::hours(24);

/// Characters of an entity's value in a group key: an index entry must stay small.
pub(crate) const ENTITY_CHARS: usize = 256;

/// Alerts that one bulk action or one incident takes: a page of them and a bit.
pub(crate) const BULK_MAX: usize = 200;

/// Characters of a reason, a note or a comment.
pub(crate) const TEXT_CHARS_MAX: usize = 4_000;

/// Agencies of one order: every commune and department of the largest province, and schools.
pub(crate) const ORDER_AGENCIES_MAX: usize = 2_000;

/// Files that prove what one agency did for one order.
pub(crate) const ORDER_PROOFS_MAX: usize = 20;

/// Characters of a section of a report: some eight pages.
pub(crate) const SECTION_CHARS_MAX: usize = 20_000;

/// Characters of a title.
pub(crate) const TITLE_CHARS_MAX: usize = 300;

/// Fewest characters that can be a reason: "ok" explains nothing to the next shift.
pub(crate) const REASON_CHARS_MIN: usize = 5;

/// An exception never lives longer than this without someone looking again.
pub(crate) const EXCEPTION_DAYS_MAX: i64 = 365;

/// Findings looked at by the preview of an exception.
pub(crate) const PREVIEW_FINDINGS_MAX: u64 = 10_000;

/// Days of findings that the preview of an exception looks at.
pub(crate) const PREVIEW_DAYS: i64 = 30;

/// Events that the preview of an exception shows.
pub(crate) const PREVIEW_EVENTS: usize = 10;

/// Entities of one batch whose alerts are added up: a flood of invented names must not hold the way up.
pub(crate) const RISKS_PER_BATCH: usize = 100;

/// Alerts about one entity that are added up.
pub(crate) const RISK_SIGNALS_MAX: u64 = 300;

/// An alert is put aside for at most so many days: longer is an exception.
pub(crate) const SNOOZE_DAYS_MAX: i64 = 30;

/// Events shown on an alert's page.
pub(crate) const EVENTS_SHOWN: usize = 50;

/// Alerts shown as related, and rows of the duty page's lists.
pub(crate) const SHORT_LIST: u64 = 10;

/// Open alerts on the duty page: the charts below them must be in sight.
pub(crate) const DUTY_ALERTS: u64 = 8;

/// Addresses and systems in the duty page's top lists.
pub(crate) const DUTY_TOP: u64 = 5;

/// Rows that one CSV or XLSX export of alerts holds.
pub(crate) const ALERT_EXPORT_ROWS: u64 = 10_000;

/// Events that one export of a search holds: what a spreadsheet and a memory can take.
pub(crate) const EVENT_EXPORT_ROWS: usize = 50_000;

/// Bytes of one file made in the background: what a mail server's log of a month takes, and what an
/// analyst's disk still holds.
pub(crate) const EXPORT_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Bytes of all such files: they must not take the disk from the lake.
pub(crate) const EXPORTS_BYTES_MAX: u64 = 4 * EXPORT_BYTES_MAX;

/// Events of one page of a search.
pub(crate) const EVENTS_PER_PAGE: u32 = 100;

/// Events asked of the lake at a time by an export.
pub(crate) const EVENTS_PER_EXPORT_PAGE: u32 = 1_000;

/// Bars of a search's histogram.
pub(crate) const HISTOGRAM_BARS: u32 = 60;

/// Values shown per field beside a search.
pub(crate) const TOP_VALUES: u32 = 8;

/// Characters of a query line.
pub(crate) const QUERY_CHARS_MAX: usize = 2_000;

/// Events on which a rule is tested: the past hour, cut here.
pub(crate) const RULE_TEST_EVENTS_MAX: usize = 20_000;

/// Characters of a rule pasted for a test.
pub(crate) const RULE_CHARS_MAX: usize = 64 * 1024;

/// Messages that a slow live reader may fall behind before it skips.
pub(crate) const LIVE_BACKLOG: usize = 256;

/// Readers of live streams at one time: each costs a task and a buffer.
pub(crate) const LIVE_READERS_MAX: usize = 200;

/// Lines of the chain of custody of one file that are read at once.
pub(crate) const CUSTODY_LINES: u64 = 5_000;

/// Pieces of evidence of one incident: a hundred machines, and some more.
pub(crate) const EVIDENCE_ITEMS_MAX: u64 = 500;

/// Bytes of one piece: the logs and memory of a server fit, whole disks do not.
pub(crate) const EVIDENCE_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// Bytes of one part of a piece: half a minute on a slow line.
pub(crate) const EVIDENCE_PART_BYTES: usize = 4 * 1024 * 1024;

/// Findings of one piece that are kept; what is more is counted.
pub(crate) const EVIDENCE_FINDINGS_MAX: usize = 5_000;

/// Files of one piece that could not be searched and are named.
pub(crate) const EVIDENCE_REFUSED_SHOWN: usize = 50;

/// Observables of one incident: more are a feed, not what people look at.
pub(crate) const OBSERVABLES_MAX: u64 = 2_000;

/// Observables taken from one text.
pub(crate) const OBSERVABLES_AT_ONCE: usize = 200;

/// Indicators that the platform itself keeps and looks for; more belong in a file of `indicators.folders`.
pub(crate) const INDICATORS_LISTED_MAX: u64 = 100_000;

/// Days that an indicator is looked for at most without someone looking again.
pub(crate) const INDICATOR_DAYS_MAX: i64 = 730;

/// Playbooks that people bring in.
pub(crate) const PLAYBOOKS_MAX: u64 = 200;

/// Playbooks that run in one incident at the same time.
pub(crate) const RUNS_MAX: u64 = 10;

/// Runs of one incident that are shown, ended ones among them.
pub(crate) const RUNS_SHOWN: u64 = 50;

/// Notes and automatic lines on one incident's page.
pub(crate) const TIMELINE_LINES: u64 = 500;

/// Days that a look back may reach: the longest time that the law keeps logs for, and a day of leap.
pub(crate) const LOOK_BACK_DAYS_MAX: i64 = 366;

/// Characters of a rule or a list of indicators pasted for a look back.
pub(crate) const LOOK_BACK_TEXT_CHARS_MAX: usize = 64 * 1024;

/// Findings of one look back that are kept; all are counted.
pub(crate) const LOOK_BACK_FINDINGS_MAX: usize = 5_000;

/// Findings of one rule in a look back that are kept, so that a noisy rule hides no other.
pub(crate) const LOOK_BACK_PER_RULE_MAX: usize = 500;

/// Alerts or incidents of a list that are counted: what is more is not looked for.
pub(crate) const LISTED_COUNTED_MAX: u64 = 10_000;

/// Alerts holding some words that are counted: looking for words costs more than following an index.
pub(crate) const ALERTS_HOLDING_COUNTED_MAX: u64 = 1_000;

/// Alerts that a list looks through one by one for words that many alerts hold.
pub(crate) const ALERTS_LOOKED_THROUGH_MAX: u64 = 10_000;

/// Alerts of a day from which its numbers are kept for some seconds instead of counted for each who looks.
pub(crate) const DAY_ALERTS_RECOUNTED: u64 = 10_000;

/// Open alerts of one severity, incidents and deadlines that are counted for the numbers on every page; the texts
/// `web-deadlines-count` show `1.000+` for as many.
pub(crate) const OPEN_COUNTED_MAX: u64 = 1_000;

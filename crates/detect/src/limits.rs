//! The limits of this crate, each with its reason. Rules come from people and the internet, events
//! from attackers: both are bounded.

/// Longest rule file read, in bytes. The largest public rule file is under 200 KB.
pub const RULE_FILE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Deepest nesting of a rule's YAML. Real rules need six; recursion stays far from the stack's end.
pub const YAML_DEPTH_MAX: usize = 32;

/// Most nodes of one rule file once its aliases are written out: stops "billion laughs".
pub const YAML_NODES_MAX: usize = 200_000;

/// Deepest nesting of parentheses and `not` in a condition.
pub const CONDITION_DEPTH_MAX: usize = 64;

/// Most variants that `windash`, `base64offset` and `expand` may make of one value: five dashes at
/// four places are 625. Dashes at more places are not written out.
pub const EXPANSIONS_MAX: usize = 1_000;

/// Largest compiled size of one regular expression, in bytes. Public rules stay below 1 MB.
pub const REGEX_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most reasons kept in one finding: enough to understand, short enough to read.
pub const MATCHES_MAX: usize = 20;

/// Most groups (an address, an account …) that one correlation rule follows at a time. A flood of
/// invented names cannot take more memory than this: groups of a single event go first, the longest
/// unheard of before the others.
pub const GROUPS_PER_RULE_MAX: usize = 50_000;

/// Most groups that all correlation rules together follow (about 200 bytes each).
pub const GROUPS_MAX: usize = 200_000;

/// Most events remembered in one group. A rule that needs more is refused when it is compiled.
pub const ENTRIES_PER_GROUP_MAX: usize = 10_000;

/// The same where a rule orders what a condition over rules picks: each window is looked at anew.
pub const ORDERED_ENTRIES_PER_GROUP_MAX: usize = 512;

/// Most events remembered by one correlation rule over all its groups (about 80 bytes each).
pub const ENTRIES_PER_RULE_MAX: usize = 250_000;

/// Most events remembered by all correlation rules together: 40 MB.
pub const ENTRIES_MAX: usize = 500_000;

/// How long after its own window an event is remembered for those that come late, counted from its
/// collection. Forwarders hand on within minutes, a machine that restarts or a line that breaks
/// within the hour; with an hour, a rule that counts 60 events each second stays below its limit.
/// Not below [`CLOCK_AHEAD_MAX`], or a sender whose clock is ahead would make others late.
pub const LATENESS: chrono::Duration = chrono::Duration::hours(1);

/// How far a sender's clock may run ahead of ours before its word on the time is not taken.
pub const CLOCK_AHEAD_MAX: chrono::Duration = chrono::Duration::hours(1);

/// Most values of one event that a correlation counts: members of a list.
pub const VALUES_PER_EVENT_MAX: usize = 256;

/// Longest part of a group or counted value that is compared, in bytes; of a longer one the beginning
/// and the length.
pub const GROUP_VALUE_BYTES_MAX: usize = 4096;

/// Most rules that one correlation refers to.
pub const CORRELATION_RULES_MAX: usize = 64;

/// Longest chain of correlations on correlations.
pub const CORRELATION_CHAIN_MAX: usize = 8;

/// Deepest nesting of a processing pipeline's `nest`.
pub const PIPELINE_DEPTH_MAX: usize = 8;

/// Largest indicator file, in bytes: a million rows of a feed's CSV export take about 200 MB.
pub const INDICATOR_FILE_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Most indicators in a set (about 60 bytes each).
pub const INDICATORS_MAX: usize = 10_000_000;

/// Most faults kept of loading indicators; a broken export would repeat the same a million times.
pub const INDICATOR_ERRORS_KEPT: usize = 1_000;

/// Longest label of an indicator, in characters: what a reader of an alert can take in.
pub const INDICATOR_LABEL_CHARS_MAX: usize = 160;

/// Longest URL that is kept or looked up, in bytes: browsers and proxies write hardly longer ones.
pub const INDICATOR_URL_BYTES_MAX: usize = 2_048;

/// How far into a command line, script or message indicators are looked for, in bytes. Windows cuts
/// a script block at about this length, too.
pub const INDICATOR_TEXT_BYTES_MAX: usize = 16 * 1024;

/// Most folders of a URL that are looked up: deeper ones are rare, and hostile ones endless.
pub const URL_FOLDERS_MAX: usize = 16;

/// Most memory of one baseline over all systems, in bytes (about). A flood of invented values pushes
/// out what was unseen for the longest time, in the largest system first.
pub const BASELINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most values that a baseline remembers of one entity, so that one cannot push out all others.
pub const BASELINE_VALUES_PER_ENTITY_MAX: usize = 5_000;

/// Most findings of one baseline in one system and hour: more are no longer read one by one.
pub const BASELINE_FINDINGS_PER_HOUR_MAX: usize = 50;

/// Longest value that a baseline tells apart, in bytes; a longer one is cut.
pub const BASELINE_VALUE_BYTES_MAX: usize = 256;

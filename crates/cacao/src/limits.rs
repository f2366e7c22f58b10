//! Every limit of this crate in one place, each with its reason.

/// Bytes of a playbook: the largest public ones take some hundred kilobytes.
pub const BYTES_MAX: usize = 1024 * 1024;

/// Objects and lists within each other: the specification needs seven.
pub const DEPTH_MAX: usize = 32;

/// Values of a playbook, so that a small file is no large tree.
pub const VALUES_MAX: usize = 50_000;

/// Steps of a playbook: more can be followed by nobody.
pub const STEPS_MAX: usize = 500;

/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 300;

/// Characters of a description or a command.
pub const TEXT_CHARS_MAX: usize = 20_000;

/// Faults that are told of one playbook: the first ones explain the others.
pub const FAULTS_MAX: usize = 50;

/// Hours of a deadline: a year.
pub const DEADLINE_HOURS_MAX: u64 = 366 * 24;

/// Times that the branch of a loop is run.
pub const ROUNDS_MAX: u32 = 50;

/// Largest whole number that a JSON number carries everywhere. Source: RFC 8259, section 6.
pub const NUMBER_MAX: f64 = 9_007_199_254_740_991.0;

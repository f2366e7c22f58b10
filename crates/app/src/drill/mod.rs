//! The drill: plays a scenario of real log lines over real sockets and tells what was seen of it.
//!
//! A scenario is a data file under `content/scenarios/`: background lines of an ordinary day, acts of
//! an intrusion, and an answer key (which rule should have fired, on which system, by when). The
//! player knows nothing of the platform but the addresses it sends to, as any sender would.

mod answer;
mod line;
mod play;
mod scenario;
mod target;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Sighting, judge};
pub use play::{PlayError, Played, Voice, play};
pub use scenario::{Act, Expectation, Scenario, ScenarioError, Titles};
pub use target::{Sender, Target};

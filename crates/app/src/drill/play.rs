//! The player: keeps the scenario's time and sends its lines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::Clock;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::line::Template;
use super::scenario::Scenario;
use super::target::{Sender, Target};

/// One log source that the player may speak for.
#[derive(Debug, Clone)]
pub struct Voice {
    /// The source's code in the registry.
    pub code: String,
    /// Its parser: background lines are chosen by it.
    pub parser: String,
    /// The host name that its lines carry.
    pub host: String,
    /// Where it sends.
    pub target: Target,
}

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Played {
    /// Lines that the platform took.
    pub sent: u64,
    /// Lines that could not be handed over.
    pub failed: u64,
}

/// Why a scenario cannot be played on this province.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// It names a log source that is not registered.
    #[error("the scenario speaks for the log source `{code}`, which is not registered")]
    UnknownSource {
        /// The code.
        code: String,
    },
    /// A sending task died.
    #[error("a sender stopped unexpectedly")]
    Sender(#[from] tokio::task::JoinError),
}

/// Everything one source says, in order of time.
#[derive(Debug, Default)]
struct Part {
    lines: Vec<(Duration, Template)>,
    silent_from: Option<Duration>,
    background: Option<(f64, Vec<Template>)>,
}

/// Plays the scenario to its end and returns how much was sent. `tell` is called as each act begins.
///
/// # Errors
/// Fails before sending anything if the scenario names an unknown source.
pub async fn play(
    scenario: &Scenario,
    voices: &[Voice],
    clock: Arc<dyn Clock>,
    tell: impl Fn(&super::Act) + Send + Sync + 'static,
) -> Result<Played, PlayError> {
    let mut parts = parts(scenario, voices)?;
    let start = Instant::now();
    let length = scenario.length();
    let mut senders = JoinSet::new();
    for (number, voice) in voices.iter().enumerate() {
        let Some(part) = parts.remove(voice.code.as_str()) else { continue };
        let rng = StdRng::seed_from_u64(u64::try_from(number).unwrap_or(0));
        let speaker = Speaker {
            host: voice.host.clone(),
            sender: Sender::new(voice.target.clone()),
            clock: Arc::clone(&clock),
            rng,
            count: 0,
            played: Played::default(),
        };
        senders.spawn(speaker.speak(part, start, length));
    }
    for act in &scenario.acts {
        sleep_until(start + Duration::from_secs_f64(act.at_s)).await;
        tell(act);
    }
    let mut played = Played::default();
    while let Some(one) = senders.join_next().await {
        let one = one?;
        played.sent += one.sent;
        played.failed += one.failed;
    }
    Ok(played)
}

/// Deals the scenario's lines out to the sources that say them.
fn parts<'a>(
    scenario: &Scenario,
    voices: &'a [Voice],
) -> Result<BTreeMap<&'a str, Part>, PlayError> {
    let mut parts: BTreeMap<&str, Part> = voices
        .iter()
        .map(|voice| {
            let background = scenario.background.iter().find(|some| some.parser == voice.parser);
            let background = background.map(|some| (some.per_second, some.lines.clone()));
            (voice.code.as_str(), Part { background, ..Part::default() })
        })
        .collect();
    let unknown = |code: &str| PlayError::UnknownSource { code: code.to_owned() };
    for act in &scenario.acts {
        let part = parts.get_mut(act.source.as_str()).ok_or_else(|| unknown(&act.source))?;
        let mut at = Duration::from_secs_f64(act.at_s);
        for _ in 0..act.repeat {
            for line in &act.lines {
                part.lines.push((at, line.clone()));
                at += Duration::from_millis(act.every_ms);
            }
        }
    }
    for silence in &scenario.silences {
        let part =
            parts.get_mut(silence.source.as_str()).ok_or_else(|| unknown(&silence.source))?;
        part.silent_from = Some(Duration::from_secs_f64(silence.at_s));
    }
    for part in parts.values_mut() {
        part.lines.sort_by_key(|(at, _)| *at);
    }
    Ok(parts)
}

/// One source that sends.
struct Speaker {
    host: String,
    sender: Sender,
    clock: Arc<dyn Clock>,
    rng: StdRng,
    count: u64,
    played: Played,
}

impl Speaker {
    async fn speak(mut self, part: Part, start: Instant, length: Duration) -> Played {
        let end = part.silent_from.unwrap_or(length);
        let mut acts = part.lines.into_iter().peekable();
        let mut next_background = part.background.as_ref().map(|(rate, _)| self.pause(*rate));
        loop {
            let next_act = acts.peek().map(|(at, _)| *at);
            let next = match (next_act, next_background) {
                (Some(act), Some(background)) => act.min(background),
                (Some(only), None) | (None, Some(only)) => only,
                (None, None) => return self.played,
            };
            if next >= end {
                return self.played;
            }
            sleep_until(start + next).await;
            if next_act == Some(next) {
                if let Some((_, line)) = acts.next() {
                    self.say(&line).await;
                }
            } else if let Some((rate, lines)) = &part.background {
                if let Some(line) = lines.choose(&mut self.rng) {
                    self.say(line).await;
                }
                next_background = Some(next + self.pause(*rate));
            }
        }
    }

    /// Returns the time to the next background line: the mean of `1 / rate`, spread so that the
    /// sources do not march in step.
    fn pause(&mut self, per_second: f64) -> Duration {
        Duration::from_secs_f64(self.rng.random_range(0.5..1.5) / per_second)
    }

    async fn say(&mut self, line: &Template) {
        self.count += 1;
        let text = line.fill(self.clock.now(), &self.host, self.count, &mut self.rng);
        match self.sender.send(&text).await {
            Ok(()) => self.played.sent += 1,
            Err(error) => {
                self.played.failed += 1;
                tracing::warn!(host = self.host, %error, "a drill line could not be sent");
            }
        }
    }
}

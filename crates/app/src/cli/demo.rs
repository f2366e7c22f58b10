//! `luytre demo`: a fictional province, an ordinary day, an intrusion in it, and what was seen.
//!
//! Everything stays on loopback. The platform is the real one, in this process; the drill speaks to it
//! over sockets like any sender. The demonstration's folder is made anew each time, so that one drill's
//! alerts do not answer for the next one's.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use event::{Clock as _, Scope, SystemClock};
use registry::demo::{Province, SenderBy};
use web::Role;
use web::identity::console;

use super::Outcome;
use crate::config::{Config, SecondFactor, SyslogConfig, Transport};
use crate::drill::{self, Answer, Scenario, Sighting, Target, Voice};
use crate::serve::Platform;

/// The scenario that comes with the platform.
const BUILTIN: &str = include_str!("../../../../content/scenarios/portal-intrusion.toml");

/// Marks a folder as the demonstration's own: only such a folder is emptied.
const MARK: &str = ".luytre-demo";

/// How long the platform may take to make alerts of the last lines.
const GRACE: Duration = Duration::from_secs(20);

/// How to play.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where the pages are served
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The demonstration's folder; it is emptied at the start
    #[arg(long, default_value = "demo-data", value_name = "FOLDER")]
    data: PathBuf,
    /// Play this scenario file instead of the built-in one
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// End when the drill is judged, instead of serving until Ctrl-C
    #[arg(long)]
    once: bool,
    /// Start the province without playing the drill
    #[arg(long, conflicts_with = "once")]
    quiet: bool,
}

/// One account of the demonstration.
struct Account {
    login: &'static str,
    name: &'static str,
    role: Role,
}

const ACCOUNTS: [Account; 3] = [
    Account { login: "quantri", name: "Quản trị Nền tảng", role: Role::Administrator },
    Account { login: "trucban", name: "Nguyễn Trực Ban", role: Role::DutyOfficer },
    Account { login: "lanhdao", name: "Trần Lãnh Đạo", role: Role::Leader },
];

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let scenario = scenario(arguments.scenario.as_deref())?;
    let config = config(arguments);
    empty(&arguments.data)?;
    super::block_on(play(arguments, config, scenario))
}

async fn play(arguments: &Arguments, config: Config, scenario: Scenario) -> Result<Outcome> {
    // The province and its people first: the platform reads both when it starts.
    let db = crate::serve::open_db(&config).await?;
    let senders = registry::demo::seed(&db, &Province::builtin()?).await?;
    let password = password(&db);
    for account in &ACCOUNTS {
        console::add(&db, account.login, account.name, account.role, password.clone()).await?;
    }
    db.close().await?;
    let platform = Platform::start(config.clone()).await?;
    let voices = voices(&senders, &config);
    greet(&platform, &config, &password, &scenario);
    if arguments.quiet {
        crate::serve::asked_to_end().await?;
        platform.stop().await;
        return Ok(Outcome::Good);
    }
    let started = SystemClock.now();
    let tell =
        |act: &drill::Act| println!("  {:>4.0} s  {}  ({})", act.at_s, act.title.vi, act.title.en);
    let drilling = drill::play(&scenario, &voices, Arc::new(SystemClock), tell);
    let played = tokio::select! {
        played = drilling => played?,
        asked = crate::serve::asked_to_end() => {
            asked?;
            platform.stop().await;
            return Ok(Outcome::Good);
        }
    };
    println!("\n{} lines sent, {} could not be handed over", played.sent, played.failed);
    let answers = wait_for_answers(&platform, &scenario, started).await?;
    let seen = sheet(&answers);
    if !arguments.once {
        println!("\nThe platform goes on until Ctrl-C: http://{}", platform.pages);
        crate::serve::asked_to_end().await?;
    }
    platform.stop().await;
    Ok(if seen { Outcome::Good } else { Outcome::NotInOrder })
}

fn scenario(file: Option<&Path>) -> Result<Scenario> {
    Ok(match file {
        None => Scenario::parse("portal-intrusion.toml", BUILTIN)?,
        Some(file) => {
            let text =
                fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            Scenario::parse(&file.display().to_string(), &text)?
        }
    })
}

fn config(arguments: &Arguments) -> Config {
    let mut config = Config::default();
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    "Tỉnh Mẫu".clone_into(&mut config.site.province);
    config.site.data_folder.clone_from(&arguments.data);
    config.web.listen = arguments.listen;
    // A visitor signs in at once; passkeys can be tried at this name.
    config.web.second_factor = SecondFactor::Optional;
    config.web.address = format!("http://localhost:{}", arguments.listen.port());
    config.intake.http.listen = loopback(free(8514));
    let syslog_port = free(5514);
    let syslog = |name: &str, transport| SyslogConfig {
        name: name.to_owned(),
        transport,
        listen: loopback(syslog_port),
        certificate: None,
        key: None,
        client_ca: None,
        proxy_protocol_from: Vec::new(),
    };
    config.intake.syslog = vec![syslog("udp", Transport::Udp), syslog("tcp", Transport::Tcp)];
    config
}

/// Returns the port if nobody has it, else one that the system chooses: a demonstration must start
/// beside whatever runs already.
fn free(port: u16) -> u16 {
    let is_free = |port| {
        std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
            && std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    };
    if is_free(port) {
        return port;
    }
    let chosen =
        std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
    chosen.map_or(port, |address| address.port())
}

/// Empties the demonstration's folder; refuses one that is not its own.
fn empty(folder: &Path) -> Result<()> {
    if folder.try_exists()? {
        let is_own = folder.join(MARK).try_exists()?;
        let is_empty = fs::read_dir(folder)?.next().is_none();
        if !is_own && !is_empty {
            bail!("{} is not a folder of the demonstration: nothing was changed", folder.display());
        }
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join(MARK), "made by `luytre demo`, emptied at its next start\n")?;
    Ok(())
}

/// Returns a password for this demonstration only.
fn password(db: &db::Db) -> String {
    let [a, b, c, d, e, f, ..] = db.ids().secret();
    format!("tre-{a:02x}{b:02x}{c:02x}-{d:02x}{e:02x}{f:02x}")
}

/// Returns how each source speaks: every second syslog source over TCP, the others over UDP.
fn voices(senders: &[registry::demo::Sender], config: &Config) -> Vec<Voice> {
    let syslog = config.intake.syslog.first().map_or(config.web.listen, |listener| listener.listen);
    let target = |number: usize, by: &SenderBy| match by {
        SenderBy::Address(from) if number.is_multiple_of(2) => {
            Target::SyslogUdp { to: syslog, from: *from }
        }
        SenderBy::Address(from) => Target::SyslogTcp { to: syslog, from: *from },
        SenderBy::Token(token) => {
            Target::Http { to: config.intake.http.listen, token: token.reveal().to_owned() }
        }
    };
    senders
        .iter()
        .enumerate()
        .map(|(number, sender)| Voice {
            code: sender.code.clone(),
            parser: sender.parser.clone(),
            host: sender.host.clone(),
            target: target(number, &sender.by),
        })
        .collect()
}

fn greet(platform: &Platform, config: &Config, password: &str, scenario: &Scenario) {
    let address = match platform.pages.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => format!("127.0.0.1:{}", platform.pages.port()),
        _ => platform.pages.to_string(),
    };
    println!("\nLũy Tre · Tỉnh Mẫu is running (a fictional province, loopback only)\n");
    println!("  page      http://{address}");
    for account in &ACCOUNTS {
        println!("  sign in   {:<10} {password}   {}", account.login, account.role.word());
    }
    let syslog = config.intake.syslog.first().map_or(config.web.listen, |listener| listener.listen);
    let http = config.intake.http.listen;
    println!("\n  send logs to   syslog {syslog} (UDP, TCP)   HTTP {http}");
    println!(
        "\nThe drill: {} ({}), {} s\n",
        scenario.title.vi, scenario.title.en, scenario.length_s
    );
}

/// Asks for alerts until everything expected was seen or the last lines have had their time.
async fn wait_for_answers(
    platform: &Platform,
    scenario: &Scenario,
    started: DateTime<Utc>,
) -> Result<Vec<Answer>> {
    let give_up = tokio::time::Instant::now() + GRACE;
    loop {
        let answers = drill::judge(scenario, &sightings(platform, started).await?);
        let complete = answers.iter().all(|answer| answer.seen_after_s.is_some());
        if complete || tokio::time::Instant::now() >= give_up {
            return Ok(answers);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn sightings(platform: &Platform, started: DateTime<Utc>) -> Result<Vec<Sighting>> {
    let rules = platform.rules.current();
    let names: BTreeMap<&str, &str> = rules
        .rules()
        .iter()
        .filter_map(|rule| Some((rule.id.as_str(), rule.name.as_deref()?)))
        .collect();
    let snapshot = platform.registry.snapshot();
    let alerts = respond::alert::made_since(&platform.db, &Scope::platform(), started).await?;
    Ok(alerts
        .iter()
        .filter_map(|alert| {
            let system = snapshot.system(alert.system?)?;
            Some(Sighting {
                rule: names.get(alert.rule.as_str()).copied().unwrap_or(&alert.rule).to_owned(),
                system: system.code.clone(),
                after_s: (alert.detected_at - started).num_seconds(),
            })
        })
        .collect())
}

/// Prints the answer sheet and returns whether everything was seen in time.
fn sheet(answers: &[Answer]) -> bool {
    println!("\nWhat should have been seen:\n");
    for answer in answers {
        let verdict = match answer.seen_after_s {
            Some(after_s) if answer.in_time() => format!("seen    {after_s:>4} s"),
            Some(after_s) => format!("late    {after_s:>4} s"),
            None => "missed       ".to_owned(),
        };
        println!("  {verdict}  {:<32} {}", answer.expected.rule, answer.expected.system);
    }
    let seen = answers.iter().filter(|answer| answer.in_time()).count();
    println!("\n{seen} of {} seen in time", answers.len());
    seen == answers.len()
}

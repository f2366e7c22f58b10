//! Writing the province into an empty database, and finding its senders again later.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use db::{Actor, AuditEntry, Db, Subject, Tx};
use event::{AgencyId, Scope, SourceId, SystemId};
use ipnet::IpNet;
use serde_json::json;

use super::model::{DemoError, DemoSource, Province};
use crate::agency::{self, Agency, Contact};
use crate::source::{self, LogSource, SourceKind, Token};
use crate::system::{self, System};

/// A log source of the demonstration and how to speak for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Its id.
    pub id: SourceId,
    /// Its code.
    pub code: String,
    /// Its parser.
    pub parser: String,
    /// The host name that its lines carry.
    pub host: String,
    /// How its lines are known.
    pub by: SenderBy,
}

/// How a sender's lines are known to be its.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderBy {
    /// Syslog, from this loopback address.
    Address(IpAddr),
    /// HTTP, with this token.
    Token(Token),
}

/// Writes the province into an empty database, or finds it there, and returns its senders in the
/// order of the file. HTTP sources get a new token each time, because the old one cannot be read.
///
/// # Errors
/// When the database holds another province, or the file contradicts itself.
pub async fn seed(db: &Db, province: &Province) -> Result<Vec<Sender>, DemoError> {
    let tx = db.begin().await?;
    let agencies = agency::all(tx.conn(), &Scope::platform()).await?;
    let (senders, action) = if agencies.is_empty() {
        (write(&tx, db, province).await?, "demo.seed")
    } else {
        (find(&tx, db, province).await?, "demo.open")
    };
    let detail = json!({ "province": province.name, "sources": senders.len() });
    tx.commit(AuditEntry::new(Actor::Platform("demo"), action, Subject::all("province"), detail))
        .await?;
    Ok(senders)
}

async fn write(tx: &Tx, db: &Db, province: &Province) -> Result<Vec<Sender>, DemoError> {
    let agencies = write_agencies(tx, province).await?;
    let systems = write_systems(tx, province, &agencies).await?;
    let mut senders = Vec::with_capacity(province.source.len());
    for (index, demo) in province.source.iter().enumerate() {
        let (owner, system) = owner(demo, &agencies, &systems)?;
        let by = by(db, demo, index)?;
        let mut log_source = LogSource {
            id: SourceId::from_uuid(tx.new_uuid()),
            agency: owner,
            system,
            code: demo.code.clone(),
            name: demo.name.clone(),
            kind: demo.kind,
            parser: demo.parser.clone(),
            token_hash: None,
            token_hint: None,
            listener: None,
            peers: Vec::new(),
            path: None,
            utc_offset_minutes: 420,
            silence_after_s: demo.silence_minutes.saturating_mul(60),
            enabled: true,
            created_at: tx.now(),
            updated_at: tx.now(),
            version: 1,
        };
        know_by(&mut log_source, &by);
        source::insert(tx.conn(), &log_source).await?;
        senders.push(sender(demo, log_source.id, by));
    }
    Ok(senders)
}

async fn find(tx: &Tx, db: &Db, province: &Province) -> Result<Vec<Sender>, DemoError> {
    let known = source::all(tx.conn(), &Scope::platform()).await?;
    let mut known: BTreeMap<String, LogSource> =
        known.into_iter().map(|source| (source.code.clone(), source)).collect();
    let mut senders = Vec::with_capacity(province.source.len());
    for (index, demo) in province.source.iter().enumerate() {
        let mut log_source = known.remove(&demo.code).ok_or(DemoError::Taken)?;
        let by = by(db, demo, index)?;
        know_by(&mut log_source, &by);
        log_source.updated_at = tx.now();
        source::update(tx.conn(), &log_source).await?;
        senders.push(sender(demo, log_source.id, by));
    }
    Ok(senders)
}

fn sender(demo: &DemoSource, id: SourceId, by: SenderBy) -> Sender {
    Sender { id, code: demo.code.clone(), parser: demo.parser.clone(), host: demo.host.clone(), by }
}

fn know_by(log_source: &mut LogSource, by: &SenderBy) {
    match by {
        SenderBy::Address(address) => log_source.peers = vec![IpNet::from(*address)],
        SenderBy::Token(token) => {
            log_source.token_hash = Some(token.stored());
            log_source.token_hint = Some(token.hint());
        }
    }
}

/// Returns how the source with this place in the file is known: 127.9.x.y belongs to this machine
/// and to nobody else.
fn by(db: &Db, demo: &DemoSource, index: usize) -> Result<SenderBy, DemoError> {
    if demo.kind == SourceKind::Http {
        return Ok(SenderBy::Token(Token::new(db.ids().secret())));
    }
    if let Some(address) = demo.address {
        return Ok(SenderBy::Address(address));
    }
    let high = u8::try_from(index / 250).map_err(|_| DemoError::TooMany)?;
    let low = u8::try_from(index % 250 + 1).map_err(|_| DemoError::TooMany)?;
    Ok(SenderBy::Address(Ipv4Addr::new(127, 9, high, low).into()))
}

fn owner(
    demo: &DemoSource,
    agencies: &BTreeMap<&str, AgencyId>,
    systems: &BTreeMap<&str, (SystemId, AgencyId)>,
) -> Result<(AgencyId, Option<SystemId>), DemoError> {
    if let Some(code) = demo.system.as_deref() {
        let (system, agency) = named(systems, &demo.code, code)?;
        return Ok((agency, Some(system)));
    }
    let code = demo.agency.as_deref().unwrap_or_default();
    Ok((named(agencies, &demo.code, code)?, None))
}

fn named<T: Copy>(all: &BTreeMap<&str, T>, by: &str, code: &str) -> Result<T, DemoError> {
    let missing = || DemoError::Missing { code: by.to_owned(), missing: code.to_owned() };
    all.get(code).copied().ok_or_else(missing)
}

async fn write_agencies<'a>(
    tx: &Tx,
    province: &'a Province,
) -> Result<BTreeMap<&'a str, AgencyId>, DemoError> {
    let mut ids = BTreeMap::new();
    for demo in &province.agency {
        let parent = match demo.parent.as_deref() {
            Some(code) => Some(named(&ids, &demo.code, code)?),
            None => None,
        };
        let id = AgencyId::from_uuid(tx.new_uuid());
        let mut agency = Agency::named(id, demo.code.clone(), demo.name.clone(), tx.now());
        agency.kind = demo.kind;
        agency.parent = parent;
        agency.phone.clone_from(&demo.phone);
        agency.email.clone_from(&demo.email);
        agency.address.clone_from(&demo.address);
        if !demo.contact.is_empty() {
            agency.contact = Contact {
                name: demo.contact.clone(),
                phone: demo.phone.clone(),
                confirmed_at: Some(tx.now()),
                confirmed_by: demo.contact.clone(),
            };
        }
        agency::insert(tx.conn(), &agency).await?;
        ids.insert(demo.code.as_str(), agency.id);
    }
    Ok(ids)
}

async fn write_systems<'a>(
    tx: &Tx,
    province: &'a Province,
    agencies: &BTreeMap<&str, AgencyId>,
) -> Result<BTreeMap<&'a str, (SystemId, AgencyId)>, DemoError> {
    let mut ids = BTreeMap::new();
    for demo in &province.system {
        let system = System {
            id: SystemId::from_uuid(tx.new_uuid()),
            agency: named(agencies, &demo.code, &demo.agency)?,
            code: demo.code.clone(),
            name: demo.name.clone(),
            level: demo.level,
            state: demo.state,
            operator: demo.operator.clone(),
            owner_contact: demo.owner_contact.clone(),
            duty_phone: demo.duty_phone.clone(),
            description: demo.description.clone(),
            domains: demo.domains.clone(),
            ip_ranges: demo.ip_ranges.clone(),
            created_at: tx.now(),
            updated_at: tx.now(),
            version: 1,
        };
        system::insert(tx.conn(), &system).await?;
        ids.insert(demo.code.as_str(), (system.id, system.agency));
    }
    Ok(ids)
}

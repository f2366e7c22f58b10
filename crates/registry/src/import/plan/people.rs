//! Rows of people.

use std::collections::{BTreeMap, BTreeSet};

use event::AgencyId;
use event::fold::fold;
use uuid::Uuid;

use super::super::columns::Row;
use super::super::model::{Deed, Fault, Planned, Record};
use super::{Desk, Finder, or_known, phone};
use crate::post::PersonDraft;

pub(super) fn plan(desk: &mut Desk<'_>, rows: &[Row]) -> Vec<Planned> {
    let finder = Finder::new(&desk.known.agencies);
    let mut mails: BTreeMap<String, Uuid> = BTreeMap::new();
    let mut names: BTreeMap<(AgencyId, String), Uuid> = BTreeMap::new();
    // Who has a mail address, known or of this file.
    let mut reachable: BTreeSet<Uuid> = BTreeSet::new();
    for person in &desk.known.people {
        if !person.email.is_empty() {
            mails.insert(fold(&person.email), person.id);
            reachable.insert(person.id);
        }
        names.insert((person.agency, fold(&person.name)), person.id);
    }
    let mut planned = Vec::with_capacity(rows.len());
    for row in rows {
        let agency = finder.find(row.text("agency"));
        let mail = fold(row.text("email"));
        let key = agency.map(|agency| (agency, fold(row.text("name"))));
        let named = key.as_ref().and_then(|key| names.get(key).copied());
        // Two people of one agency may bear one name: a different mail address tells them apart.
        let found = mails
            .get(&mail)
            .copied()
            .or_else(|| named.filter(|id| mail.is_empty() || !reachable.contains(id)));
        let plan = one(desk, row, (agency, found));
        if plan.deed != Deed::Refuse {
            if !mail.is_empty() {
                mails.insert(mail, plan.id);
                reachable.insert(plan.id);
            }
            names.extend(key.map(|key| (key, plan.id)));
        }
        planned.push(plan);
    }
    planned
}

fn one(
    desk: &mut Desk<'_>,
    row: &Row,
    (agency, found): (Option<AgencyId>, Option<Uuid>),
) -> Planned {
    let mut faults = desk.broken(row);
    let old = found.and_then(|id| desk.known.people.iter().find(|person| person.id == id));
    let before = old.map(|person| PersonDraft {
        agency: Some(person.agency),
        name: person.name.clone(),
        phone: person.phone.clone(),
        email: person.email.clone(),
    });
    let twin = found.filter(|_| before.is_none());
    let was = before.clone().unwrap_or_default();
    let agency = match row.text("agency") {
        "" if before.is_some() => was.agency,
        _ => agency.or_else(|| {
            faults.push(desk.wrong(row, "agency", "import-agency-unknown"));
            None
        }),
    };
    let draft = PersonDraft {
        agency,
        name: or_known(row.text("name"), &was.name),
        phone: or_known(&phone(row.text("phone")), &was.phone),
        email: or_known(row.text("email"), &was.email),
    };
    if let Err(error) = draft.clone().checked() {
        let more: Vec<Fault> = desk.faults(row, &error);
        faults.extend(more);
    }
    let known = found.zip(before.map(Record::Person));
    let mut plan = desk.planned(row, (Record::Person(draft), known), faults);
    if let Some(twin) = twin.filter(|_| plan.deed != Deed::Refuse) {
        plan.id = twin;
    }
    plan
}

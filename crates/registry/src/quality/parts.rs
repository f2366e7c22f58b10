//! The checks of what stands round systems and agencies: log sources, assets, people. Each counts to its agency.

use event::AgencyId;

use super::check::{Attribute, Check, Checks, FRESH_DAYS};
use super::ground::Ground;
use crate::asset::{Asset, AssetKind};
use crate::post::Person;
use crate::{SourceBinding, Status};

/// How many digits a Vietnamese telephone number has, at least (Thông tư 25/2014/TT-BTTTT: 10 with the zero).
const PHONE_DIGITS: usize = 10;

/// Returns the checks of a log source that has this status; `twins` bear its name in its agency, itself included.
pub(crate) fn of_source(
    ground: &Ground<'_>,
    source: &SourceBinding,
    (status, twins): (Status, usize),
) -> Vec<Check> {
    let place = format!("/sources/{}", source.origin.source);
    let own = format!("{place}/edit");
    let mut checks = Checks::default();
    let reads = !matches!(status, Status::Failing);
    checks.add(Attribute::Correct, reads, "quality-fix-source-unread", &place);
    let watches = source.origin.system.is_some();
    checks.add(Attribute::Complete, watches, "quality-fix-source-system", &own);
    checks.add(Attribute::Clean, twins <= 1, "quality-fix-source-twin", &own);
    if source.enabled && source.in_use {
        let sends = matches!(status, Status::Live);
        checks.add(Attribute::Alive, sends, "quality-fix-source-silent", &place);
    }
    owned(&mut checks, ground, source.origin.agency);
    let named = source.parser != "auto";
    checks.add(Attribute::Uniform, named, "quality-fix-source-parser", &own);
    checks.found
}

/// Returns the checks of an asset; `twins` have its address in its agency, itself included.
pub(crate) fn of_asset(ground: &Ground<'_>, asset: &Asset, twins: usize) -> Vec<Check> {
    let own = format!("/assets/{}/edit", asset.id);
    let mut checks = Checks::default();
    let placed = asset.system.is_none_or(|id| ground.is_system_of(id, asset.agency));
    checks.add(Attribute::Correct, placed, "quality-fix-asset-system-gone", &own);
    for (filled, key) in [
        (!asset.product.is_empty(), "quality-fix-asset-product"),
        (!asset.purpose.is_empty() || asset.system.is_some(), "quality-fix-asset-purpose"),
        (asset.support_ends.is_some(), "quality-fix-asset-support"),
    ] {
        checks.add(Attribute::Complete, filled, key, &own);
    }
    checks.add(Attribute::Clean, twins <= 1, "quality-fix-asset-twin", &own);
    let fresh = (ground.now - asset.updated_at).num_days() <= FRESH_DAYS;
    checks.add(Attribute::Alive, fresh, "quality-fix-asset-stale", &own);
    let reached = !asset.address.is_empty() || asset.kind == AssetKind::Software;
    checks.add(Attribute::Shared, reached, "quality-fix-asset-address", &own);
    let known = asset.kind != AssetKind::Other;
    checks.add(Attribute::Uniform, known, "quality-fix-asset-kind", &own);
    checks.found
}

/// Returns the checks of a person; `twins` have their mail address, themselves included.
pub(crate) fn of_person(
    ground: &Ground<'_>,
    person: &Person,
    (twins, holds_post): (usize, bool),
) -> Vec<Check> {
    let own = format!("/people/{}", person.id);
    let mut checks = Checks::default();
    let digits = person.phone.chars().filter(char::is_ascii_digit).count();
    let dialled = person.phone.is_empty() || digits >= PHONE_DIGITS;
    checks.add(Attribute::Correct, dialled, "quality-fix-person-phone-form", &own);
    checks.add(Attribute::Complete, !person.phone.is_empty(), "quality-fix-person-phone", &own);
    checks.add(Attribute::Complete, !person.email.is_empty(), "quality-fix-person-email", &own);
    checks.add(Attribute::Clean, twins <= 1, "quality-fix-person-twin", &own);
    checks.add(Attribute::Alive, holds_post, "quality-fix-person-post", "/posts");
    owned(&mut checks, ground, person.agency);
    let whole = person.name.split_whitespace().count() >= 2;
    checks.add(Attribute::Uniform, whole, "quality-fix-person-name", &own);
    checks.found
}

/// Who owns it must be there, and be found by others.
fn owned(checks: &mut Checks, ground: &Ground<'_>, agency: AgencyId) {
    let owner = ground.agency(agency);
    let open = owner.is_some_and(|owner| owner.valid_to.is_none());
    checks.add(
        Attribute::Shared,
        open,
        "quality-fix-agency-closed",
        &format!("/agencies/{agency}"),
    );
}

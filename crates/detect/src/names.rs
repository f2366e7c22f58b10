//! What rules are called by correlations and filters: by id or by name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::error::{Fault, Place, did_you_mean};
use crate::info::RuleInfo;

/// The numbers of rules by their ids and names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// No number: two rules have this name.
    numbers: BTreeMap<String, Option<usize>>,
}

impl Names {
    /// Numbers rules. An id comes before a name that is the same.
    #[expect(single_use_lifetimes, reason = "an anonymous lifetime cannot stand there yet")]
    pub(crate) fn new<'r>(rules: impl Iterator<Item = (usize, &'r RuleInfo)> + Clone) -> Self {
        let mut numbers = BTreeMap::new();
        // A rule without an id has its name for one.
        let has_id = |info: &RuleInfo| info.name.as_deref() != Some(info.id.as_str());
        for (number, info) in rules.clone().filter(|(_, info)| has_id(info)) {
            numbers.entry(one_spelling(&info.id).into_owned()).or_insert(Some(number));
        }
        let ids: Vec<String> = numbers.keys().cloned().collect();
        let is_id = |name: &String| ids.binary_search(name).is_ok();
        let named = rules.filter_map(|(number, info)| Some((number, info.name.clone()?)));
        for (number, name) in named.filter(|(_, name)| !is_id(name)) {
            let own = numbers.entry(name).or_insert(Some(number));
            own.take_if(|own| *own != number);
        }
        Self { numbers }
    }

    /// Returns the number of the rule that is called so.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.numbers.get(one_spelling(name).as_ref()).copied().flatten()
    }

    /// Returns the same, or what is wrong with the name at this place.
    pub(crate) fn find(&self, name: &str, at: Place) -> Result<usize, Fault> {
        match self.numbers.get(one_spelling(name).as_ref()) {
            Some(Some(number)) => Ok(*number),
            Some(None) => Err(Fault::rule(at, format!("two rules are called `{name}`"))
                .hint("name the one that is meant by its id")),
            None => {
                let known = self.numbers.keys().map(String::as_str);
                Err(Fault::rule(at, format!("no rule is called `{name}`"))
                    .maybe_hint(did_you_mean(name, known)))
            }
        }
    }
}

/// Returns an id as it is compared: the letters of a UUID have no case. Anything else is itself.
pub(crate) fn one_spelling(id: &str) -> Cow<'_, str> {
    let is_uuid = id.len() == 36
        && id.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    let is_plain = !is_uuid || !id.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_plain { Cow::Borrowed(id) } else { Cow::Owned(id.to_ascii_lowercase()) }
}

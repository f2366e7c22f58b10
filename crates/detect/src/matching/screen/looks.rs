//! Where in the records of a shape indicators may stand, so that a record that fires no rule is decoded
//! only if one of its values may hold one.

use event::{Attr, Value};

use super::Decoding;
use super::layout::{Layout, Origin};
use crate::indicator::{Holds, IndicatorWatch};

/// Where to look.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Only the decoder can tell.
    pub(super) is_open: bool,
    /// Places of the record, with what may stand there.
    pub(super) places: Vec<(usize, Holds)>,
}

impl Looks {
    /// Returns where to look for what the watch looks for.
    pub(super) fn new(layout: &Layout, decoding: &dyn Decoding, watch: &IndicatorWatch) -> Self {
        let mut looks = Self::default();
        if watch.set().is_empty() {
            return looks;
        }
        let event = &layout.event;
        let feeds = decoding.feeds(event);
        for (field, attr) in &feeds {
            for holds in IndicatorWatch::looked_for(event, *attr) {
                looks.field(layout, field, *holds);
            }
        }
        for (field, holds) in IndicatorWatch::scripts(event) {
            looks.field(layout, field, holds);
        }
        // A message that is no field was made of the record as a whole.
        let is_field = |own: &Value| event.fields.iter().any(|(_, value)| value == own);
        let message = event.attrs.get(Attr::Message).filter(|own| !is_field(own));
        looks.is_open |=
            message.is_some() && !IndicatorWatch::looked_for(event, Attr::Message).is_empty();
        // The path of one value and the host of another are one URL.
        let is_there = |wanted: &[Attr]| {
            let fields = feeds.iter().filter(|(_, attr)| wanted.contains(attr));
            fields.clone().any(|(field, _)| layout.fields.iter().any(|(own, _)| own == field))
        };
        looks.is_open |= watch.joins_urls()
            && is_there(&[Attr::UrlHost])
            && is_there(&[Attr::Url, Attr::UrlPath]);
        looks.places.sort_unstable();
        looks.places.dedup();
        looks
    }

    fn field(&mut self, layout: &Layout, field: &str, holds: Holds) {
        let origin = layout.fields.iter().find(|(own, _)| own == field);
        match origin.map(|(_, origin)| origin) {
            Some(Origin::Value(place)) => self.places.push((*place, holds)),
            Some(Origin::Constant(value)) if value.int().is_some() => {}
            Some(_) => self.is_open = true,
            None => self.is_open |= field.is_empty(),
        }
    }
}

//! Fuzzes what reads a file's own word about itself: programs, PDF files, office documents, archives.

#![no_main]

#[path = "../../crates/respond/src/evidence/meta.rs"]
mod meta;

/// What `meta` fills.
mod model {
    pub(crate) struct Said {
        #[allow(dead_code)]
        pub(crate) key: String,
        pub(crate) value: String,
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let archive = meta::archive(std::io::Cursor::new(bytes));
    for found in [meta::program(bytes), meta::pdf(bytes), meta::core_properties(bytes), archive] {
        assert!(found.len() <= 40, "too many values");
        assert!(found.iter().all(|one| one.value.chars().count() <= 200), "a value is too long");
    }
});

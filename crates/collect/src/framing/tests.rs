//! Framing: the usual senders, the lying ones, and every way of cutting a stream.

use proptest::prelude::*;

use super::*;

fn frame(stream: &[u8], chunk: usize) -> Vec<Piece> {
    let mut framer = Framer::new();
    let mut pieces = Vec::new();
    for chunk in stream.chunks(chunk.max(1)) {
        framer.push(chunk, &mut pieces);
    }
    framer.finish(&mut pieces);
    pieces
}

/// Shows pieces as text, dead ones with their reason's code before them.
fn show(stream: &[u8]) -> Vec<String> {
    frame(stream, stream.len())
        .into_iter()
        .map(|piece| {
            let text = String::from_utf8_lossy(&piece.bytes).into_owned();
            piece.dead.map_or(text.clone(), |reason| format!("!{} {text}", reason.code))
        })
        .collect()
}

#[test]
fn frames_of_usual_senders() {
    let cases: &[(&str, &[u8], &[&str])] = &[
        ("newline", b"<13>one\n<13>two\n", &["<13>one", "<13>two"]),
        ("crlf", b"<13>one\r\n<13>two\r\n", &["<13>one", "<13>two"]),
        ("nul, as Python's handler sends", b"<13>one\0<13>two\0", &["<13>one", "<13>two"]),
        ("octet counted", b"7 <13>one7 <13>two", &["<13>one", "<13>two"]),
        ("octet counted, line ends inside", b"8 <13>one\n8 <13>two\n", &["<13>one", "<13>two"]),
        ("octet counted, line ends between", b"7 <13>one\n7 <13>two\n", &["<13>one", "<13>two"]),
        ("octet counted holds newlines", b"9 <13>a\nb\nc", &["<13>a\nb\nc"]),
        ("octet counted JSON", b"7 {\"a\":1}2 {}", &["{\"a\":1}", "{}"]),
        ("both on one stream", b"7 <13>one<13>two\n7 <13>six", &["<13>one", "<13>two", "<13>six"]),
        ("a line that begins with a number", b"404 not found\n", &["404 not found"]),
        ("a line that begins with a date", b"2026-11-23 hello\n", &["2026-11-23 hello"]),
        ("empty lines", b"\n\r\n\0\n<13>one\n\n", &["<13>one"]),
        ("no end", b"<13>one\n<13>tw", &["<13>one", "<13>tw"]),
        ("only a number", b"123", &["123"]),
        ("objects in a row", b"{\"a\":1} {\"b\":2}\n{}\n", &["{\"a\":1}", "{\"b\":2}", "{}"]),
        ("a cloud's list", b"{\"Records\":[{\"a\":1},{}]}", &["{\"a\":1}", "{}"]),
        ("octet counted objects in a row", b"4 {}{}2 {}", &["{}", "{}", "{}"]),
        ("leading zero is no count", b"07 <13>one\n", &["07 <13>one"]),
    ];
    for (name, stream, expected) in cases {
        assert_eq!(&show(stream), expected, "{name}");
    }
}

#[test]
fn counts_that_lie_cost_only_their_own_record() {
    let cases: &[(&str, &[u8], &[&str])] = &[
        (
            "too small",
            b"5 <13>one7 <13>two7 <13>six",
            &["<13>o", "!bad-octet-count ne", "<13>two", "<13>six"],
        ),
        ("too large at the end", b"7 <13>one99 <13>two", &["<13>one", "!cut-short <13>two"]),
        (
            "no count after counted ones",
            b"7 <13>onegarbage\n7 <13>two",
            &["<13>one", "!bad-octet-count garbage", "<13>two"],
        ),
        (
            "too many digits",
            b"7 <13>one99999999 <13>x7 <13>two",
            &["<13>one", "!bad-octet-count 99999999 <13>x", "<13>two"],
        ),
    ];
    for (name, stream, expected) in cases {
        assert_eq!(&show(stream), expected, "{name}");
    }
}

#[test]
fn a_long_line_goes_out_in_dead_pieces_and_the_stream_goes_on() {
    let mut stream = vec![b'a'; 2 * RECORD_BYTES_MAX + 10];
    stream.extend_from_slice(b"\n<13>next\n");
    let pieces = frame(&stream, 4096);
    let sizes: Vec<usize> = pieces.iter().map(|piece| piece.bytes.len()).collect();
    assert_eq!(sizes, [RECORD_BYTES_MAX, RECORD_BYTES_MAX, 10, 8]);
    let reasons: Vec<String> =
        pieces.iter().filter_map(|piece| piece.dead.clone()).map(|dead| dead.detail).collect();
    assert!(reasons[2].ends_with("part 3"), "{reasons:?}");
    assert_eq!(pieces[3].dead, None);
}

#[test]
fn a_line_of_exactly_the_limit_is_a_record() {
    for (length, count) in [(RECORD_BYTES_MAX, 1), (RECORD_BYTES_MAX + 1, 2)] {
        let mut stream = vec![b'a'; length];
        stream.push(b'\n');
        let pieces = frame(&stream, stream.len());
        assert_eq!(pieces.len(), count);
        assert_eq!(pieces[0].dead.is_none(), count == 1);
    }
}

#[test]
fn a_long_counted_record_goes_out_in_dead_pieces() {
    let mut stream = format!("{} <13>", RECORD_BYTES_MAX + 5).into_bytes();
    stream.extend(vec![b'a'; RECORD_BYTES_MAX + 1]);
    stream.extend_from_slice(b"7 <13>two");
    let pieces = frame(&stream, 10_000);
    let sizes: Vec<usize> = pieces.iter().map(|piece| piece.bytes.len()).collect();
    assert_eq!(sizes, [RECORD_BYTES_MAX, 5, 7]);
    assert_eq!(pieces[2].dead, None);
}

#[test]
fn the_framer_holds_no_more_than_one_record() {
    let mut framer = Framer::new();
    let mut pieces = Vec::new();
    for _ in 0..5000 {
        framer.push(&[b'x'; 1024], &mut pieces);
        assert!(framer.unfinished_bytes() <= RECORD_BYTES_MAX + 1024);
    }
    assert_eq!(pieces.len(), 4);
}

/// Streams of the stuff that decisions hang on.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"<13>".to_vec()),
        Just(b"7 <13>one".to_vec()),
        Just(b" ".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"{".to_vec()),
        Just(b"{\"a\":1}".to_vec()),
        Just(b"<".to_vec()),
        "[0-9]{1,9}".prop_map(String::into_bytes),
        "[a-z<> 0-9]{0,12}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same_records(
        stream in stream(),
        cuts in proptest::collection::vec(1_usize..9, 1..60),
    ) {
        let whole = frame(&stream, stream.len());
        let mut framer = Framer::new();
        let mut pieces = Vec::new();
        let mut rest = stream.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, tail) = rest.split_at((*cut).min(rest.len()));
            framer.push(chunk, &mut pieces);
            rest = tail;
        }
        framer.finish(&mut pieces);
        prop_assert_eq!(pieces, whole);
    }

    #[test]
    fn no_byte_of_a_line_stream_is_lost(lines in proptest::collection::vec("[a-zA-Z<>{ ]{1,40}", 0..30)) {
        let stream = lines.join("\n");
        let pieces = frame(stream.as_bytes(), 7);
        let seen: Vec<String> =
            pieces.iter().map(|piece| String::from_utf8_lossy(&piece.bytes).into_owned()).collect();
        prop_assert_eq!(seen, lines);
    }
}

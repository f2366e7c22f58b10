//! PROXY headers as balancers write them, and as nobody should.

use super::*;

const V2_BEGIN: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn second(version_and_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [V2_BEGIN, &[version_and_command, family], &length[..], body].concat()
}

fn v4() -> Vec<u8> {
    [&[203, 0, 113, 7][..], &[10, 0, 0, 1], &[0x12, 0x67], &[0x15, 0x8a]].concat()
}

fn v6() -> Vec<u8> {
    let source: std::net::Ipv6Addr = "2001:db8::7".parse().unwrap();
    [&source.octets()[..], &[0; 16], &[0, 80], &[0, 81]].concat()
}

fn whole(header: &[u8]) -> Option<String> {
    match parse(header).unwrap() {
        Parsed::Whole { length, source } => {
            assert_eq!(length, header.len());
            source.map(|source| source.to_string())
        }
        more @ Parsed::More(_) => panic!("{more:?}"),
    }
}

#[test]
fn headers_of_both_versions_name_the_sender() {
    let with_fields = [&v4()[..], b"\x04\x00\x03abc"].concat();
    let unix = [0; 216];
    let cases: [(Vec<u8>, Option<&str>); 12] = [
        (b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 5514\r\n".to_vec(), Some("203.0.113.7:4711")),
        (b"PROXY TCP6 2001:db8::7 ::1 80 81\r\n".to_vec(), Some("[2001:db8::7]:80")),
        (
            b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 0\r\n".to_vec(),
            Some("255.255.255.255:65535"),
        ),
        (b"PROXY UNKNOWN\r\n".to_vec(), None),
        (b"PROXY UNKNOWN ffff::1 what ever\r\n".to_vec(), None),
        (second(0x21, 0x11, &v4()), Some("203.0.113.7:4711")),
        (second(0x21, 0x12, &with_fields), Some("203.0.113.7:4711")),
        (second(0x21, 0x21, &v6()), Some("[2001:db8::7]:80")),
        (second(0x21, 0x31, &unix), None),
        (second(0x21, 0x00, b""), None),
        (second(0x20, 0x00, b""), None),
        // What a LOCAL connection says besides is not looked at.
        (second(0x20, 0x11, &v4()), None),
    ];
    for (header, source) in cases {
        assert_eq!(whole(&header).as_deref(), source, "{:?}", String::from_utf8_lossy(&header));
        // However it is cut, it is the same header, and no more is asked for than belongs to it.
        for cut in 0..header.len() {
            match parse(&header[..cut]) {
                Ok(Parsed::More(missing)) => {
                    assert!(missing > 0 && cut + missing <= header.len(), "{cut}: {missing}");
                }
                other => panic!("{cut}: {other:?}"),
            }
        }
        // What follows is not part of it.
        let followed = [&header[..], b"\r\n<13>one\n"].concat();
        let length = header.len();
        assert!(matches!(parse(&followed), Ok(Parsed::Whole { length: it, .. }) if it == length));
    }
}

#[test]
fn hostile_headers_are_refused() {
    let long = second(0x21, 0x11, &[0; 5000]);
    let endless = [&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat();
    let cases: [&[u8]; 24] = [
        b"<13>one\n",
        b"GET / HTTP/1.0\r\n",
        b"proxy TCP4 203.0.113.7 10.0.0.1 1 2\r\n",
        b"PROXY\tTCP4 203.0.113.7 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 1 2\n",
        b"PROXY TCP4  203.0.113.7 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 1 2 \r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 1\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 1 2 3\r\n",
        b"PROXY TCP4 203.0.113.07 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
        b"PROXY TCP6 203.0.113.7 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 +1 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 01 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 65536 2\r\n",
        b"PROXY UDP4 203.0.113.7 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 \xff\xfe 10.0.0.1 1 2\r\n",
        &endless,
        &long,
        &second(0x11, 0x11, &v4()),
        &second(0x22, 0x11, &v4()),
        &second(0x21, 0x41, &v4()),
        &second(0x21, 0x10, &v4()),
        &second(0x21, 0x21, &v4()),
    ];
    for bytes in cases {
        assert!(parse(bytes).is_err(), "{:?}", String::from_utf8_lossy(bytes));
    }
    // It is over as soon as it cannot become a header any more.
    assert!(parse(b"P").is_ok());
    assert!(parse(b"PX").is_err());
    assert!(parse(b"\r\n\r\n\0\r\nQUIX").is_err());
}

#[tokio::test]
async fn only_configured_balancers_are_believed_and_nothing_more_is_read() {
    let balancers = Balancers::new(vec!["10.0.0.0/8".parse().unwrap()]);
    let bytes: &[u8] = b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 5514\r\n<13>one\n";
    let sender = async |peer: &str| {
        let mut stream = bytes;
        let peer: SocketAddr = peer.parse().unwrap();
        let sender = balancers.sender(&mut stream, peer).await.unwrap();
        (sender.to_string(), stream.len())
    };
    let balanced = ("203.0.113.7:4711".to_owned(), b"<13>one\n".len());
    assert_eq!(sender("10.0.0.5:99").await, balanced);
    assert_eq!(sender("[::ffff:10.0.0.5]:99").await, balanced);
    let stranger = "198.51.100.1:99";
    assert_eq!(sender(stranger).await, (stranger.to_owned(), bytes.len()));

    let peer = "10.0.0.5:99".parse().unwrap();
    let mut stream: &[u8] = b"PROXY UNKNOWN\r\n";
    assert_eq!(balancers.sender(&mut stream, peer).await.unwrap(), peer);
    let mut stream: &[u8] = b"";
    assert!(balancers.sender(&mut stream, peer).await.unwrap_err().is_probe());
    let mut stream: &[u8] = b"PROXY TCP4 203";
    let error = balancers.sender(&mut stream, peer).await.unwrap_err();
    assert!(matches!(error, ProxyError::Ended(14)), "{error}");
}

#[tokio::test]
async fn a_balancer_that_says_nothing_is_given_up() {
    let balancers = Balancers::new(vec!["10.0.0.0/8".parse().unwrap()]);
    let (mut ours, _theirs) = tokio::io::duplex(64);
    let (peer, patience) = ("10.0.0.5:99".parse().unwrap(), Duration::from_millis(20));
    let error = balancers.sender_within(&mut ours, peer, patience).await.unwrap_err();
    assert!(matches!(error, ProxyError::Late), "{error}");
}

mod teams;

use super::number::plain;
use super::*;
use crate::{Matrix, Micros, Side};
use proptest::prelude::*;

fn table(text: impl AsRef<[u8]>) -> Result<Table, BadFile> {
    let mut reader = Reader::default();
    for line in text.as_ref().split_inclusive(|byte| *byte == b'\n') {
        reader.line(line)?;
    }
    reader.end()
}

fn matrix(text: impl AsRef<[u8]>) -> Result<Matrix, BadFile> {
    table(text)?.into_matrix()
}

/// Hosts, players and microseconds (0 is unknown) as one line.
fn seen(text: &str) -> String {
    let matrix = match matrix(text) {
        Ok(matrix) => matrix,
        Err(bad) => return format!("refused: {bad}"),
    };
    let players: Vec<&str> = matrix
        .players()
        .iter()
        .map(|player| player.name.as_str())
        .collect();
    let row = |(host, row): (&crate::Host, &[Option<Micros>])| {
        let values: Vec<String> = row
            .iter()
            .map(|us| us.map_or(0, Micros::us).to_string())
            .collect();
        format!("{}: {}", host.name, values.join(" "))
    };
    let rows: Vec<String> = matrix.rows().map(row).collect();
    format!("{} | {}", players.join(" "), rows.join(" | "))
}

#[test]
fn names_are_where_they_are_and_numbers_where_there_are_none() {
    for (text, expected) in [
        ("10,20\n30,40.5\n", "p1 p2 | h1: 10000 20000 | h2: 30000 40500"),
        ("ann,bob\n10,20\n", "ann bob | h1: 10000 20000"),
        (
            "london,10,20\nparis,,40\n",
            "p1 p2 | london: 10000 20000 | paris: 0 40000",
        ),
        ("host,ann,bob\nlondon,10,20\n", "ann bob | london: 10000 20000"),
        // The diagonal of a square set: an empty first cell is a value.
        (",10\n20,", "p1 p2 | h1: 0 10000 | h2: 20000 0"),
        // A header with nothing over the first column: names, also if they look like numbers.
        (
            ",ann,bob\n1,10,20\n2,30,40\n",
            "ann bob | 1: 10000 20000 | 2: 30000 40000",
        ),
        // A column that is called something and holds numbers is a player's.
        ("eve,ann,bob\n1,10,20\n", "eve ann bob | h1: 1000 10000 20000"),
        (
            "\u{feff}host,ann,bob\r\nlondon, 10 ,\t20\r\n\r\n",
            "ann bob | london: 10000 20000",
        ),
        (
            "\"host\",\"ann \"\"the\"\" x\",\"b,b\"\n\"new york\" , \"10\",20",
            "ann \"the\" x b,b | new york: 10000 20000",
        ),
        // As numpy writes them, and rounding.
        (
            "1.050000000000000000e+01,2e1\n+0.0005,59999.9994\n",
            "p1 p2 | h1: 10500 20000 | h2: 1 59999999",
        ),
        (
            "1.0004,1.0005\n060000,.5\n",
            "p1 p2 | h1: 1000 1001 | h2: 60000000 500",
        ),
        // Pairs: what is not there is unknown; the order is that of the numbers.
        (
            "1 10 20000\n1\t2  5500.5\n0 2 7\n\n",
            "p2 p10 | h0: 7 0 | h1: 5501 20000",
        ),
        ("3 1 5\n3 2 6\n3 1 5\n", "p1 p2 | h3: 5 6"),
    ] {
        assert_eq!(seen(text), expected, "{text:?}");
    }
}

#[test]
fn numbered_hosts_tie_in_their_order_not_in_that_of_letters() {
    let matrix = matrix("1,2\n".repeat(11)).unwrap();
    let ids: Vec<&str> = matrix.hosts().iter().map(|host| host.id.as_str()).collect();
    assert!(ids.is_sorted());
    assert_eq!(matrix.hosts()[9].name, "h10");
}

#[test]
fn what_is_wrong_is_named_by_row_column_and_value() {
    let wide = |columns: usize| format!("{}1\n", "1,".repeat(columns - 1));
    let files: [(&str, String); 52] = [
        ("a word", "10,20\n30,abc\n".into()),
        (
            "a word under names",
            "host,ann,bob\nlondon,10,20\nparis,abc,40\n".into(),
        ),
        ("nan", "10,20\n30,nan\n".into()),
        ("nan in the first row", "10,nan,30\n10,20,30\n".into()),
        ("nan in the first cell", "nan,20\n10,20\n".into()),
        ("nan behind a name", "london,nan,20\n".into()),
        ("only nan", "nan,nan\n1,2\n".into()),
        ("inf", "10,inf\n".into()),
        ("below zero", "10,-5\n".into()),
        ("below zero in the first row, first cell", "-5,10\n".into()),
        ("zero", "0,10\n".into()),
        ("as good as zero", "10,0.0004\n".into()),
        ("absurd", "10,1e9\n".into()),
        ("absurd in plain digits", "10,999999\n".into()),
        ("just above a minute", "10,60000.001\n".into()),
        ("a decimal comma", "10,\"20,5\"\n".into()),
        ("two points", "10,1.2.3\n".into()),
        ("a unit", "10,20\n12ms,20\n".into()),
        ("something for unknown", "10,20\n-,20\n".into()),
        ("hexadecimal", "10,0x10\n".into()),
        ("a word in the first row", "10,abc,30\n10,20,30\n".into()),
        ("a word in the first row behind a name", "london,12,abc\n".into()),
        ("a header with a number", "host,ann,7,bob\nlondon,1,2,3\n".into()),
        ("a header that begins with a number", "7,ann\n10,20\n".into()),
        ("a header with a gap", "host,ann,,bob\nlondon,1,2,3\n".into()),
        ("a number among names", "london,1,2\n7,1,2\n".into()),
        ("a name that comes late", "1,2\nlondon,2\n".into()),
        ("a name that is missing", "london,1,2\n,1,2\n".into()),
        ("a control character in a name", "lon\u{1b}don,1,2\n".into()),
        ("a short row", "host,ann,bob\nlondon,1,2\nparis,1\n".into()),
        ("a long row", "1,2\n1,2,3,4\n".into()),
        ("a header one shorter", "ann,bob\nlondon,1,2\n".into()),
        ("an empty line", "1,2\n\n1,2\n".into()),
        (
            "the same host twice",
            "london,1,2\nparis,1,2\nlondon,3,4\n".into(),
        ),
        ("the same player twice", "host,ann,bob,ann\nlondon,1,2,3\n".into()),
        ("nothing", String::new()),
        ("blanks", " \n\n".into()),
        ("a header alone", "host,ann,bob\n".into()),
        ("one column", "10\n20\n".into()),
        ("semicolons", "10;20\n30;40\n".into()),
        ("semicolons with names", "host;ann;bob\nlondon;10,5;20\n".into()),
        ("semicolons and decimal commas", "london;10,5;20,25\n".into()),
        ("tabs", "host\tann\tbob\nlondon\t10\t20\n".into()),
        ("tabs and four numbers", "10\t20\t30\t40\n".into()),
        ("tabs and decimal commas", "london\t10,5\t20,25\n".into()),
        ("a name with a semicolon", "lon;don,10,2O\n".into()),
        ("one player", "host,ann\nlondon,10\n".into()),
        ("an open quote", "london,\"10,20\n".into()),
        ("behind a quote", "\"london\"x,10,20\n".into()),
        ("too many players", wide(1025)),
        ("far too many columns", wide(1_000_000)),
        ("compressed", "\u{1f}\u{8b}".into()),
    ];
    let told = files.map(|(what, text)| format!("{what}: {}", matrix(text).unwrap_err()));
    insta::assert_snapshot!(told.join("\n"));
}

/// What has commas is read as ever, whatever else stands in it.
#[test]
fn semicolons_and_tabs_in_a_csv_are_letters_and_blanks() {
    for (text, expected) in [
        ("lon;don,10,20\n", "p1 p2 | lon;don: 10000 20000"),
        (
            "\"lon;don\",10\n",
            "refused: only \"p1\" plays: a match needs two players at least",
        ),
        ("10,20\t\n30,\t40\n", "p1 p2 | h1: 10000 20000 | h2: 30000 40000"),
        ("host,a;b,c;d\nlondon,1,2\n", "a;b c;d | london: 1000 2000"),
        ("1\t2\t3\n1\t3\t4\n", "p2 p3 | h1: 3 4"),
    ] {
        assert_eq!(seen(text), expected, "{text:?}");
    }
}

#[test]
fn a_first_row_that_looks_like_a_header_but_is_none_is_known() {
    for (text, name) in [
        ("Host,1,2\nlondon,10,20\n", Some("Host")),
        ("server,1,2\nlondon,10,20\n", Some("server")),
        (",1,2\n7,10,20\n", Some("h1")),
        ("name,1,2\n", None),
        ("hostel,1,2\nlondon,10,20\n", None),
        ("host,ann,2b\nlondon,10,20\n", None),
        ("1,2\n3,4\n", None),
    ] {
        assert_eq!(table(text).unwrap().header_like_host(), name, "{text:?}");
    }
}

#[test]
fn bytes_that_are_no_text_are_told_so() {
    for (bytes, part) in [
        (&b"\x1f\x8b\x08"[..], "compressed"),
        (b"\xff\xfe1\0", "UTF-16: save it as UTF-8"),
        (b"h\0o\0", "UTF-16: save it as UTF-8"),
        (b"\0h\0o", "UTF-16"),
        (b"1,2\0", "no text"),
        (b"1,\xff\n", "\"\u{fffd}\" in column 2 is no number"),
        (
            b"1,\xff\n1,2\n",
            "row 1, column 2: \"\u{fffd}\" stands in a row with",
        ),
        (b"1,2\n1,\xff\n", "row 2, column 2: \"\u{fffd}\" is no number"),
        (
            b"l\xf6ndon,1,2\n",
            "row 1, column 1: \"l\u{fffd}ndon\" is no name of a host: it is not UTF-8",
        ),
    ] {
        let said = matrix(bytes).unwrap_err().to_string();
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn pairs_that_are_wrong_are_named() {
    let files = [
        "1 2 3\n1 2\n",
        "1 2 3\n1 2 3 4\n",
        "1 2 3\n1,2,3\n",
        "1 2 3\nx 2 3\n",
        "1 2 3\n1 -2 3\n",
        "1 2 3\n1 4294967296 3\n",
        "1 2 -3\n",
        "1 2 0\n",
        "1 2 0.4\n",
        "1 2 nan\n",
        "1 2 60000001\n",
        "1 2 3\n1 3 5\n1 2 4\n",
        "1 2 3\n\n1 3 5\n",
        "1 2 3\n",
        "10 20 30 40\n",
        "0 1 nan\n",
    ];
    let told = files.map(|text| format!("{text:?}: {}", matrix(text).unwrap_err()));
    insta::assert_snapshot!(told.join("\n"));
    let many: String = (0..1025).map(|player| format!("1 {player} 5\n")).collect();
    assert_eq!(
        matrix(many).unwrap_err().to_string(),
        "1025 players are more than 1024"
    );
}

/// A short file must not fill the memory: as many pairs are named, but the matrix is not made.
#[test]
fn pairs_far_apart_are_refused() {
    let players: String = (0..1024).map(|player| format!("0 {player} 5\n")).collect();
    let hosts: String = (1..=MAX_PAIRS / 1024)
        .map(|host| format!("{host} 0 5\n"))
        .collect();
    assert!(matches!(
        matrix(players + &hosts),
        Err(BadFile::TooManyPairs { players: 1024, .. })
    ));
}

#[test]
fn a_line_that_never_ends_is_refused() {
    let name = "x".repeat(MAX_LINE);
    let said = matrix(format!("{name},1,2\n")).unwrap_err().to_string();
    assert!(said.contains("longer than 200 characters"), "{said}");
    let blanks = format!("1,{}2\n", " ".repeat(MAX_LINE));
    assert_eq!(matrix(blanks), Err(BadFile::TooLong { row: 1 }));
}

/// A cell as somebody might write it.
fn written(us: Option<u32>, way: u8) -> String {
    let Some(us) = us else {
        return ["", " ", "\"\""][usize::from(way % 3)].into();
    };
    let (whole, part) = (us / 1000, us % 1000);
    match way % 6 {
        0 => format!("{whole}.{part:03}"),
        1 => format!("{}", f64::from(us) / 1000.0),
        2 => format!("{:.18e}", f64::from(us) / 1000.0),
        3 => format!(" {whole}.{part:03}000\t"),
        4 => format!("\"{whole}.{part:03}\""),
        _ => format!("+{us}e-3"),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

prop_compose! {
    fn a_name(prefix: &'static str)(number in 0_u32..1000, behind in "[ -~é]{0,8}") -> String {
        format!("{prefix}{number}{behind}x")
    }
}

proptest! {
    /// Whatever comes, there is an answer.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = matrix(&bytes);
    }

    /// The same with bytes that mean something, so that more of it is looked at.
    #[test]
    fn anything_like_a_file_is_read_or_refused(text in "([0-9]{1,6}|[-+.,\"e\n\r\t ]|nan|inf|ann|é|,,|\n\n|1,2\n){0,120}", teams in "[AB=;,p0-9 ]{0,20}") {
        let _ = matrix(&text);
        if let (Ok(teams), Ok(mut table)) = (teams.parse::<Teams>(), table(&text)) {
            let _ = table.set_teams(&teams);
        }
    }

    /// What is written is what is read, in whatever way it is written.
    #[test]
    fn a_written_file_is_read_as_it_was(
        hosts in prop::collection::btree_set(a_name("h"), 1..8),
        players in prop::collection::btree_set(a_name("p"), 2..8),
        values in prop::collection::vec((prop::option::of(1_u32..=Micros::MAX_US), any::<u8>()), 64),
        (bom, crlf, names, header) in any::<(bool, bool, bool, bool)>(),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text = String::from(if bom { "\u{feff}" } else { "" });
        if header {
            let heads: Vec<String> = names.then(|| "host".into()).into_iter().chain(players.iter().map(|name| quoted(name))).collect();
            text += &(heads.join(",") + end);
        }
        let mut expected = Vec::new();
        for (host, row) in hosts.iter().zip(values.chunks(8)) {
            let row = &row[..players.len()];
            expected.extend(row.iter().map(|(us, _)| us.and_then(|us| Micros::new(us).ok())));
            let cells = row.iter().map(|(us, way)| written(*us, *way));
            let cells: Vec<String> = names.then(|| quoted(host)).into_iter().chain(cells).collect();
            text += &(cells.join(",") + end);
        }
        // A row of which all is unknown is no empty line as long as it has commas.
        let matrix = matrix(&text).unwrap();
        let read: Vec<_> = matrix.rows().flat_map(|(_, row)| row.to_vec()).collect();
        prop_assert_eq!(read, expected);
        if names {
            prop_assert!(matrix.hosts().iter().map(|host| host.name.trim()).eq(hosts.iter().map(|name| name.trim())));
        }
        if header {
            prop_assert!(matrix.players().iter().map(|player| player.name.trim()).eq(players.iter().map(|name| name.trim())));
        }
    }

    /// The same values as pairs.
    #[test]
    fn pairs_are_read_as_they_were(values in prop::collection::btree_map((0_u32..9, 0_u32..9), 1_u32..=Micros::MAX_US, 2..40)) {
        let text: String = values.iter().rev().map(|((host, player), us)| format!("{host} {player}\t{us}\n")).collect();
        let table = table(text).unwrap();
        let find = |host: u32, player: u32| {
            let row = table.hosts.iter().position(|head| head.name == format!("h{host}"))?;
            let column = table.players.iter().position(|head| head.name == format!("p{player}"))?;
            table.values[row * table.players.len() + column]
        };
        for (host, player) in (0..9).flat_map(|host| (0..9).map(move |player| (host, player))) {
            prop_assert_eq!(find(host, player).map(Micros::us), values.get(&(host, player)).copied());
        }
    }

    /// The quick way says what the exact one says, or nothing.
    #[test]
    fn the_quick_way_is_the_exact_one(text in "[0-9]{0,7}(\\.[0-9]{0,6})?", behind in "(,[0-9]*)?") {
        let whole = format!("{text}{behind}");
        if let Some((rtt, taken)) = plain(whole.as_bytes()) {
            prop_assert_eq!(taken, text.len());
            prop_assert_eq!(Ok(rtt), round_trip(&text, Unit::Milliseconds));
        } else {
            let slow = round_trip(&text, Unit::Milliseconds);
            prop_assert!(slow.is_err() || text.split('.').next().unwrap().len() != 1, "{}", text);
        }
    }

    /// Rounded to the nearest microsecond.
    #[test]
    fn numbers_are_rounded_to_the_nearest(ms in 0.001_f64..60_000.0) {
        let us = round_trip(&ms.to_string(), Unit::Milliseconds).unwrap().us();
        prop_assert!((f64::from(us) - ms * 1000.0).abs() <= 0.5 + 1e-6, "{ms} {us}");
        prop_assert_eq!(round_trip(&format!("{ms:e}"), Unit::Milliseconds).unwrap().us(), us);
    }
}

use super::*;

const FILE: &str = r#"title = "A sale" # what it shows
seed = 7

[shop]
stock = 1
fencing = "off" # or writes

[lock]
recipe = "set-nx"
ttl = "10s"

[[faults]]
kind = "pause"
when = { event = "acquired" }
for = "15s"
node = "buyer-1"

[[faults]]
kind = "crash"
at = "3s"
node = "redis"

[random_faults]
kinds = ["pause", "crash"]
"#;

/// The file with a setting made, and what it says of it.
fn made(setting: &str) -> (String, String) {
    let setting = match setting.strip_prefix('-') {
        Some(key) => Setting::left_out(key).unwrap(),
        None => setting.parse().unwrap(),
    };
    let mut document: DocumentMut = FILE.parse().unwrap();
    let change = setting.apply(&mut document).unwrap();
    (document.to_string(), change.to_string())
}

/// Why a setting cannot be made.
fn refused(setting: &str) -> String {
    let setting = match setting.strip_prefix('-') {
        Some(key) => Setting::left_out(key),
        None => setting.parse::<Setting>(),
    };
    let mut document: DocumentMut = FILE.parse().unwrap();
    let refused = setting.and_then(|setting| setting.apply(&mut document)).unwrap_err();
    assert_eq!(document.to_string(), FILE, "what is refused changes nothing");
    refused.to_string()
}

#[test]
fn a_value_takes_the_place_of_another_and_the_rest_of_the_file_stays() {
    let (text, said) = made("shop.fencing=\"writes\"");
    assert_eq!(text, FILE.replace("fencing = \"off\" # or", "fencing = \"writes\" # or"));
    assert_eq!(said, "shop.fencing: \"off\" → \"writes\"");
    assert_eq!(made("shop.stock=5").0, FILE.replace("stock = 1", "stock = 5"));
}

#[test]
fn the_quotes_that_a_shell_takes_away_are_not_missed() {
    for plain in ["shop.fencing=writes", "shop.fencing= writes ", "shop.fencing = 'writes'"] {
        assert!(made(plain).0.contains("fencing = \"writes\"") || plain.contains('\''), "{plain}");
    }
    assert_eq!(made("lock.ttl=5s").0, FILE.replace("ttl = \"10s\"", "ttl = \"5s\""));
    assert!(made("lock.check_role=true").0.contains("\ncheck_role = true\n"));
}

#[test]
fn what_is_not_there_is_added() {
    let (text, said) = made("lock.wait_replicas=1");
    let added = FILE.replace("ttl = \"10s\"\n", "ttl = \"10s\"\nwait_replicas = 1\n");
    assert_eq!((text, said.as_str()), (added, "lock.wait_replicas: nothing → 1"));
    let text = made("backend.kind=redis").0;
    assert!(text.contains("[backend]\nkind = \"redis\"\n"), "{text}");
    assert!(made("duration=5s").0.contains("seed = 7\nduration = \"5s\"\n"));
    let text = made("faults.1.when.node=buyer-2").0;
    assert!(text.contains("event = \"acquired\""), "{text}");
    assert_eq!(
        text.parse::<DocumentMut>().unwrap()["faults"][0]["when"]["node"].as_str(),
        Some("buyer-2")
    );
}

#[test]
fn items_of_lists_are_counted_from_1() {
    assert_eq!(made("faults.2.at=4s").0, FILE.replace("at = \"3s\"", "at = \"4s\""));
    assert_eq!(made("random_faults.kinds.2=pause").0, FILE.replace("\"crash\"]", "\"pause\"]"));
    let text = made("faults.1={ kind = 'crash', at = '1s', node = 'redis' }").0;
    let document: DocumentMut = text.parse().unwrap();
    assert_eq!(document["faults"][0]["at"].as_str(), Some("1s"), "{text}");
    assert_eq!(document["faults"][1]["at"].as_str(), Some("3s"), "{text}");
}

#[test]
fn whole_sections_and_lists_can_be_set() {
    let document = |setting| made(setting).0.parse::<DocumentMut>().unwrap();
    let set = document("lock={ recipe = \"none\" }");
    assert_eq!(set["lock"]["recipe"].as_str(), Some("none"));
    assert!(set["lock"].get("ttl").is_none());
    assert_eq!(document("faults=[]")["faults"].as_array().map(toml_edit::Array::len), Some(0));
}

#[test]
fn a_key_a_section_and_an_item_can_be_left_out() {
    let (text, said) = made("-lock.ttl");
    assert_eq!(text, FILE.replace("ttl = \"10s\"\n", ""));
    assert_eq!(said, "lock.ttl: \"10s\" → nothing");
    assert!(!made("-random_faults").0.contains("random_faults"));
    let text = made("-faults.1").0;
    assert!(!text.contains("pause\"\nwhen") && text.contains("at = \"3s\""), "{text}");
    assert_eq!(made("-random_faults.kinds.1").0.matches("pause").count(), 1);
}

#[test]
fn what_cannot_be_set_is_refused_in_words() {
    let cases = [
        ("shop.fencing", "`shop.fencing` sets nothing: write KEY=VALUE"),
        ("=5", "`` is no key"),
        ("shop..fencing=5", "`shop..fencing` is no key"),
        ("shop.fencing=\"writes", "`\"writes` is no value: "),
        ("seed=8", "the seed is the same in both runs"),
        ("shop.stock.left=5", "there is nothing below `shop.stock`: it is integer"),
        ("faults.3.at=5s", "`faults` has no item 3: its 2 are counted from 1"),
        ("faults.0.at=5s", "`faults` has no item 0"),
        ("faults.first.at=5s", "`faults` has no item first"),
        ("faults.1=5", "`5` is no value: a section is to stand there, and it is integer"),
        ("-lock.poll", "the file does not say `lock.poll`"),
        ("-load.rate", "the file does not say `load`"),
    ];
    for (setting, said) in cases {
        let refused = refused(setting);
        assert!(refused.starts_with(said), "{setting}: {refused}");
    }
}

//! The page in a real browser. It needs `chromium` and `chromedriver` (Debian's `chromium` and
//! `chromium-driver`), so it is asked for:
//!
//! ```text
//! cargo test --workspace --test browser -- --ignored
//! ```

mod driver;

use std::path::PathBuf;

use fencepost::report::html::Besides;
use fencepost::scenario::Scenario;
use serde_json::Value;

use self::driver::{Browser, Window};

const DESK: Window = Window { width: 1280, height: 900, dark: false };
const NIGHT: Window = Window { dark: true, ..DESK };
const PHONE: Window = Window { width: 390, height: 844, dark: false };

const RIGHT: &str = "\u{e014}";
const END: &str = "\u{e010}";

/// Writes a scenario's page, and says where it is.
fn page_of(scenario: &Scenario, name: &str) -> String {
    let outcome = scenario.run(scenario.seed).expect("it runs");
    let page = Besides::of(scenario, &outcome).page(scenario, &outcome, Some("fencepost run it"));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("{name}.html"));
    std::fs::write(&file, page).expect("the folder is there");
    format!("file://{}", file.display())
}

fn seed_file(name: &str) -> Scenario {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../seeds");
    Scenario::read(&folder.join(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn assert_alive(browser: &Browser) {
    assert_eq!(browser.run("return document.documentElement.classList.contains('ready')"), true);
    let errors = browser.errors();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn two_holders_are_on_screen_and_the_player_steps() {
    let browser = Browser::start(DESK);
    browser.open(&page_of(&seed_file("paused-holder.toml"), "paused-holder"));
    assert_alive(&browser);
    assert_eq!(browser.run("return document.querySelectorAll('.strip').length"), 2, "the cure");
    let parts = browser.run("return document.querySelectorAll('.curve path').length");
    assert!(number(&parts) >= 1.0, "the curve");

    let overlap = browser.run(
        "document.querySelector('.stage').scrollIntoView({behavior: 'instant'});
         const box = document.querySelector('.overlap rect').getBoundingClientRect();
         return [box.left, box.right, box.top, box.bottom, innerWidth, innerHeight];",
    );
    let [left, right, top, bottom, width, height] =
        [0, 1, 2, 3, 4, 5].map(|place| number(&overlap[place]));
    assert!(left >= 0.0 && right <= width && right > left + 2.0, "{overlap}");
    assert!(top >= 0.0 && bottom <= height && bottom > top + 20.0, "{overlap}");

    let moment = || browser.run("return document.querySelector('.moment').innerText");
    let first = moment();
    assert!(first.as_str().is_some_and(|text| text.contains("VIOLATION two-holders")), "{first}");
    browser.press(".diagram", RIGHT);
    let second = moment();
    assert_ne!(first, second);
    let hash = browser.run("return location.hash");
    assert!(hash.as_str().is_some_and(|hash| hash.starts_with("#run1-0-")), "{hash}");
    browser.press(".diagram", END);
    assert_ne!(moment(), second);
    assert_alive(&browser);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_link_leads_to_its_moment_and_a_click_shows_causes_and_effects() {
    let browser = Browser::start(DESK);
    let page = page_of(&seed_file("paused-holder.toml"), "linked");
    browser.open(&page);
    // The first sentence of the list about an order.
    let anchor = browser.run(
        "const lines = [...document.querySelectorAll('ol.steps li')];
         return lines.find((line) => line.innerText.includes('takes an order')).id;",
    );
    let anchor = anchor.as_str().expect("an anchor").to_owned();
    browser.open("about:blank");
    browser.open(&format!("{page}#{anchor}"));
    let moment = || browser.run("return document.querySelector('.moment').innerText");
    let said = moment();
    assert!(said.as_str().is_some_and(|text| text.contains("takes an order")), "{said}");
    let related = "return [document.querySelectorAll('.message.cause').length,
                           document.querySelectorAll('.message.effect, .message.chosen').length]";
    let found = browser.run(related);
    assert!(number(&found[0]) >= 1.0, "the write that brought it about: {found}");
    browser.run("document.querySelector('.message.cause').dispatchEvent(new MouseEvent('click', {bubbles: true}))");
    assert_ne!(moment(), said);
    let found = browser.run(related);
    assert!(number(&found[1]) >= 1.0, "{found}");
    assert_alive(&browser);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_scenario_cannot_put_a_script_into_the_page() {
    let evil = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>";
    let scenario = seed_file("paused-holder.toml").but(|s| {
        (s.title, s.explain) = (evil.to_owned(), evil.to_owned());
    });
    let browser = Browser::start(DESK);
    browser.open(&page_of(&scenario, "evil"));
    browser.press(".diagram", RIGHT);
    assert_alive(&browser);
    assert_eq!(browser.run("return window.hacked === undefined"), true);
    assert_eq!(browser.run("return document.querySelectorAll('img').length"), 0);
    assert_eq!(browser.run("return document.querySelector('h2').textContent"), evil);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn it_fits_a_phone_and_follows_the_dark() {
    let page = page_of(&seed_file("paused-holder.toml"), "phone");
    let ground = "return getComputedStyle(document.body).backgroundColor";
    let [day, night] = [PHONE, NIGHT].map(|window| {
        let browser = Browser::start(window);
        browser.open(&page);
        assert_alive(&browser);
        let widths = browser.run("return [document.scrollingElement.scrollWidth, innerWidth]");
        assert!(
            number(&widths[0]) <= number(&widths[1]),
            "nothing to scroll to the side: {widths}"
        );
        browser.run(ground)
    });
    assert_ne!(day, night);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn twenty_thousand_records_are_drawn() {
    let scenario = seed_file("sentinel-minority.toml");
    let records = scenario.run(scenario.seed).expect("it runs").run.history.records().len();
    assert!(records > 20_000, "{records}");
    let browser = Browser::start(DESK);
    browser.open(&page_of(&scenario, "long"));
    assert_alive(&browser);
    let drawn = browser.run("return document.querySelectorAll('.message').length");
    assert!(number(&drawn) > 10.0, "{drawn}");
    let opened =
        browser.run("return performance.timing.loadEventEnd - performance.timing.navigationStart");
    println!("{records} records: open after {opened} ms");
    // All of it at once is drawn too.
    browser.press(".diagram", "0");
    let note = browser.run("return document.querySelector('.diagram .note').textContent");
    assert!(note.as_str().is_some_and(|text| text.contains("come closer")), "{note}");
    assert_alive(&browser);
}

//! Rows that stand for what has none: what they may hide, and what they show.

use super::*;
use crate::judge::testing::{A, B};
use crate::world::history::FaultId;

/// What each row of a page stands for: a line, or the records and lines between two lines.
struct Between {
    records: Vec<Record>,
    lines: usize,
}

/// What lies before the first chosen line, between each and the next, and after the last.
fn betweens(outcome: &Outcome, max_rows: usize) -> Vec<Between> {
    let cast = Cast::of(&outcome.run.history);
    // Every line and every record without one, in order.
    let mut steps: Vec<(Option<(Weight, SimTime)>, Record)> = Vec::new();
    walk(outcome, &cast, |_, _, record, sentences| {
        if !sentences.iter().any(Sentence::is_of_record) {
            steps.push((None, *record));
        }
        steps.extend(sentences.iter().map(|said| (Some((said.weight, record.at)), *record)));
        fmt::Result::Ok(())
    })
    .unwrap();
    let lines: Vec<_> = steps.iter().filter_map(|(line, _)| *line).collect();
    let end = SimTime::after(outcome.run.simulated).max(outcome.run.history.end());
    let chosen = select::choose(&lines, end, max_rows);
    let mut betweens = vec![Between { records: Vec::new(), lines: 0 }];
    let mut line = 0;
    for (said, record) in steps {
        let is_chosen = said.is_some() && chosen.contains(&line);
        line += usize::from(said.is_some());
        if is_chosen {
            betweens.push(Between { records: Vec::new(), lines: 0 });
        } else {
            let last = betweens.last_mut().unwrap();
            last.records.push(record);
            last.lines += usize::from(said.is_some());
        }
    }
    betweens
}

/// Checks every gap row against what it hides; returns how many say that nothing happens, that
/// nothing changes, that something is left out.
fn check_gaps(outcome: &Outcome, max_rows: usize, what: &str) -> [usize; 3] {
    let cast = Cast::of(&outcome.run.history);
    let width = Columns::new(outcome, &cast, 100).width();
    let options = TextOptions { max_rows, ..REPLAY };
    let page = page(&testing::scenario("x"), outcome, options);
    let betweens = betweens(outcome, max_rows);
    let (mut shown, mut said, mut said_here) = (0, [0; 3], false);
    let check_silent = |between: &Between, was_said: bool| {
        assert!(was_said || between.lines == 0, "{what}: lines are missing without a word\n{page}");
    };
    for row in rows(&page) {
        let is_line = row.chars().take(TIME_COLUMNS).any(|sign| sign != ' ');
        let is_gap = row.chars().nth(width - 2) == Some('…');
        let hidden = &betweens[shown];
        if is_line {
            check_silent(hidden, said_here);
            (shown, said_here) = (shown + 1, false);
        } else if is_gap {
            said_here = true;
            let text: String = row.chars().skip(width).collect();
            let has_notes = hidden.records.iter().any(|one| matches!(one.event, Event::Noted(_)));
            if text.contains("nothing happens") {
                said[0] += 1;
                assert!(hidden.records.is_empty(), "{what}: {row} hides records\n{page}");
            } else if text.contains("nothing changes") {
                said[1] += 1;
                assert!(!has_notes && hidden.lines == 0, "{what}: {row} hides a change\n{page}");
            } else {
                said[2] += 1;
                let is_failure = |one: &Record| {
                    matches!(one.event, Event::Paused | Event::Crashed | Event::PowerLost)
                };
                let stops = hidden.records.iter().any(is_failure);
                assert!(
                    hidden.lines > 0 || has_notes || stops,
                    "{what}: {row} hides nothing\n{page}"
                );
            }
        }
    }
    check_silent(&betweens[shown], said_here);
    assert_eq!(shown + 1, betweens.len(), "{what}: every chosen line has a row\n{page}");
    said
}

/// The width of the time column, where no run is longer than a day.
const TIME_COLUMNS: usize = 10;

fn sum(counts: impl Iterator<Item = [usize; 3]>) -> [usize; 3] {
    counts.fold([0; 3], |sum, one| [sum[0] + one[0], sum[1] + one[1], sum[2] + one[2]])
}

#[test]
fn a_gap_says_nothing_of_changes_only_where_there_are_none() {
    let runs = (0..400).map(|seed| {
        let rows = [5, 12, 30, 500][seed as usize % 4];
        check_gaps(&random_outcome(seed), rows, &format!("seed {seed}"))
    });
    assert!(sum(runs).iter().all(|times| *times > 20));
}

#[test]
fn so_it_is_in_real_runs() {
    let runs = (0..40).map(|seed| {
        let scenario = real_paused_holder().but(|s| {
            (s.shop.stock, s.shop.buyers) = (6, 2 + seed as u16 % 4);
            for (node, at_ms) in [("redis", 12_000), ("store", 14_000), ("buyer-2", 20_000)] {
                s.faults.push(testing::fault(Action::Crash { node: node.into() }, at_ms, 2_000));
            }
            let cut = Action::Partition(testing::groups("buyer-1", "redis"));
            s.faults.push(testing::fault(cut, 16_000, 5_000));
        });
        let outcome = scenario.run(seed).unwrap();
        check_gaps(&outcome, 15 + seed as usize, &format!("seed {seed}"))
    });
    assert!(sum(runs).iter().all(|times| *times > 0));
}

/// A run of which little is shown: two faults, and what lies between them.
fn between_two_faults(tell: impl FnOnce(&mut Story)) -> String {
    let pause = |at_ms| testing::fault(Action::Pause { node: "redis".into() }, at_ms, 1);
    let mut story = Story::new();
    story.note(A, Note::Acquiring { lock: Name::from(LOCK), thread: 0 });
    story.at_ms(1).event(REDIS, Event::FaultBegan(FaultId(0)));
    story.at_ms(2).event(REDIS, Event::FaultEnded(FaultId(0))).event(REDIS, Event::Resumed);
    tell(&mut story);
    story.at_ms(5_000).event(REDIS, Event::FaultBegan(FaultId(1))).event(REDIS, Event::Paused);
    let outcome = testing::outcome(story, &[pause(1), pause(5_000)], 5);
    page(&testing::scenario("x"), &outcome, TextOptions { max_rows: 5, ..REPLAY })
}

#[test]
fn the_lanes_of_a_gap_are_those_of_its_end() {
    let page = between_two_faults(|story| {
        story.at_ms(100).acquire(A, Some(1));
        story.at_ms(101).note(A, Note::StockSeen { thread: 0, stock: 1 });
        story.at_ms(102).note(A, Note::StockSeen { thread: 0, stock: 1 });
    });
    let gap = rows(&page).find(|row| row.contains("4.998s left out")).unwrap();
    assert!(gap.starts_with("            -      ┃ · ·  "), "{gap}\n{page}");
    assert!(page.contains("… left out; the lanes show how it ends"));
    assert!(gap.contains("4.998s left out: 1 grant, 2 stocks seen"), "{gap}");
}

#[test]
fn what_has_a_row_is_not_left_out_as_well() {
    let mut story = Story::new();
    testing::granted(&mut story, A, 2, 1);
    testing::granted(&mut story, B, 5_000, 2);
    let outcome = testing::outcome(story, &[], 9);
    let page = text(&testing::scenario("x"), &outcome);
    let gaps: Vec<&str> = rows(&page).filter(|row| row.contains('…')).collect();
    assert_eq!(gaps.len(), 2, "{page}");
    assert!(gaps[0].ends_with("… 4.997s: nothing changes (1 message)"), "{page}");
    assert!(gaps[1].ends_with("… 3.998s: nothing happens"), "{page}");
}

#[test]
fn a_note_without_a_line_is_a_change() {
    let mut story = Story::new();
    story.stock(1).at_ms(10).served(A, 1);
    let page = text(&testing::scenario("x"), &testing::outcome(story, &[], 1));
    assert!(page.contains("… 1.000s left out: 1 read served"), "{page}");
}

#[test]
fn many_counts_are_added_up_and_the_routine_ones_first() {
    let mut story = Story::new();
    story.note(A, Note::Acquiring { lock: Name::from(LOCK), thread: 0 });
    story
        .stock(1)
        .served(A, 1)
        .note(A, Note::StockSeen { thread: 0, stock: 1 })
        .acquire(A, Some(1));
    story
        .release(A)
        .note(A, Note::OrderPlaced { thread: 0, order: 1 })
        .note(A, Note::SoldOut { thread: 0 });
    story.taken(A, 1, 1, 0);
    let outcome = testing::outcome(story, &[], 0);
    let mut unsaid = Unsaid::default();
    let cast = Cast::of(&outcome.run.history);
    walk(&outcome, &cast, |state, _, record, _| {
        unsaid.pass_over(state, record);
        fmt::Result::Ok(())
    })
    .unwrap();
    let said = unsaid.describe(Duration::from_secs(1), false);
    let parts = "1 grant, 1 order taken, 1 buyer leaving, 1 opening, 1 order confirmed, \
                 1 begin of a wait, 3 more";
    assert_eq!(said, format!("1.000s left out: {parts}"));
}

use super::*;

#[test]
fn every_lesson_has_a_run_a_source_and_a_page_that_the_list_names() {
    let index = index();
    for lesson in lessons::all() {
        assert!(!lesson.steps.is_empty() && !lesson.sources.is_empty(), "{}", lesson.name);
        assert!(index.contains(&format!("href=\"{}\"", file_name(lesson))), "{}", lesson.name);
        assert!(!lesson.steps[0].is_cure, "{}: a cure of what?", lesson.name);
        for source in lesson.sources {
            assert!(source.address.starts_with("http"), "{}", source.address);
        }
    }
}

#[test]
fn a_cure_stands_beside_what_it_cures_and_every_run_is_on_the_page() {
    let found = lessons::find("paused-holder").unwrap();
    let told: Vec<Told> = found.steps.iter().map(|step| Told::of(step).unwrap()).collect();
    let pairs = pairs(&told);
    let beside: Vec<bool> = pairs.iter().map(|(_, beside)| beside.is_some()).collect();
    assert_eq!(beside, [true, false]);
    let page = lesson(found, true).unwrap();
    for step in found.steps {
        assert!(page.contains(&replay(step)), "{}", step.file);
        assert!(page.contains(step.notice), "{}", step.file);
    }
    for source in found.sources {
        assert!(page.contains(source.address), "{}", source.address);
    }
}

#[test]
fn a_page_leads_to_its_neighbours() {
    let page = |name: &str| lesson(lessons::find(name).unwrap(), true).unwrap();
    let first = page("race");
    assert!(first.contains("href=\"jvm.html\"") && first.contains("href=\"index.html\""));
    assert!(!first.contains("rel=\"prev\""));
    let last = page("choosing");
    assert!(last.contains("href=\"curator.html\"") && !last.contains("rel=\"next\""));
}

#[test]
fn a_lesson_alone_leads_nowhere() {
    assert!(!lesson(lessons::find("jvm").unwrap(), false).unwrap().contains("href=\"index.html\""));
}

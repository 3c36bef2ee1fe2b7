//! The shrinker, on a difference that was planted: no real server is needed.

use crate::model::Model;
use crate::play::Play;
use crate::random_requests::Generator;
use crate::shrink::shrink;

#[test]
fn what_two_steps_show_together_is_left() {
    let steps: Vec<String> = (0..100).map(|step| step.to_string()).collect();
    let has = |steps: &[String], step: &str| steps.iter().any(|it| it == step);
    let shown = shrink(&steps, |steps| has(steps, "17") && has(steps, "80"));
    assert_eq!(shown, ["17", "80"]);
    assert!(shrink(&["1"], |_| true).is_empty());
}

/// A planted difference: somebody says `bad-version` otherwise.
#[test]
fn a_planted_difference_shrinks_to_the_requests_that_make_it() {
    let steps: Vec<String> = Generator::new(3).steps(120);
    let differs = |steps: &[String]| {
        let mut model = Model::of(1, 2000);
        let mut play = Play::begin(&mut model);
        let mut steps = steps.iter();
        steps.any(|step| play.step(step).iter().any(|line| line.ends_with(" bad-version")))
    };
    assert!(differs(&steps));
    let shown = shrink(&steps, differs);
    assert!(differs(&shown) && shown.len() <= 3, "{shown:?}");
    for left_out in 0..shown.len() {
        let mut fewer = shown.clone();
        fewer.remove(left_out);
        assert!(!differs(&fewer), "{shown:?} without {left_out}");
    }
}

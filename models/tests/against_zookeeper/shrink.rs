//! From steps that show something to the fewest that still do.

/// Leaves out whatever `shows` can do without: halves first, then quarters, down to single steps, until no single
/// one can go. Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (ddmin).
pub fn shrink(mut steps: Vec<String>, mut shows: impl FnMut(&[String]) -> bool) -> Vec<String> {
    let mut chunk = steps.len().div_ceil(2);
    while chunk > 0 {
        let mut has_shrunk = false;
        let mut at = 0;
        while at < steps.len() {
            let end = (at + chunk).min(steps.len());
            let without = [&steps[..at], &steps[end..]].concat();
            if shows(&without) {
                steps = without;
                has_shrunk = true;
            } else {
                at = end;
            }
        }
        if chunk > 1 {
            chunk = chunk.div_ceil(2);
        } else if !has_shrunk {
            chunk = 0;
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::play::Play;
    use crate::random_requests::Generator;

    #[test]
    fn what_two_steps_show_together_is_left() {
        let steps: Vec<String> = (0..100).map(|step| step.to_string()).collect();
        let has = |steps: &[String], step: &str| steps.iter().any(|it| it == step);
        let shown = shrink(steps, |steps| has(steps, "17") && has(steps, "80"));
        assert_eq!(shown, ["17", "80"]);
        assert!(shrink(vec!["1".into()], |_| true).is_empty());
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
        let shown = shrink(steps, &differs);
        assert!(differs(&shown) && shown.len() <= 3, "{shown:?}");
        for left_out in 0..shown.len() {
            let mut fewer = shown.clone();
            fewer.remove(left_out);
            assert!(!differs(&fewer), "{shown:?} without {left_out}");
        }
    }
}

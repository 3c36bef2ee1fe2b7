//! `HRANDFIELD`: fields by chance.

use bytes::Bytes;

use crate::random::Random;
use crate::redis::commands::{SYNTAX_ERROR, attempt, integer_in, is_option};
use crate::redis::engine::Data;
use crate::redis::keyspace::Hash;
use crate::redis::resp::Reply;

/// More fields than this are not drawn with repetition. Redis has no such limit: it fills its memory
/// until it is killed.
const REPEATED_MAX: u64 = 1 << 20;

/// `HRANDFIELD key [count [WITHVALUES]]`: one field, so many different ones, or, when the count is
/// negative, so many of which some may be the same.
///
/// Different ones come in the order of the hash; Redis gives them, when they are many, in the order
/// of a table with a random seed.
pub(crate) fn hrandfield(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let request = match &arguments[2..] {
            [] => None,
            [count, options @ ..] => Some(Request::parse(count, options)?),
        };
        let Some(hash) = data.read_hash(&arguments[1])?.cloned() else {
            return Ok(request.map_or(Reply::Nil, |_| Reply::Array(Vec::new())));
        };
        let Some(request) = request else {
            let place = any_place(&mut data.random, &hash);
            let field = hash.iter().nth(place).map(|(field, _)| field.clone());
            return Ok(field.map_or(Reply::Nil, Reply::Bulk));
        };
        let fields: Vec<(&Bytes, &Bytes)> = hash.iter().collect();
        let places = request.draw(&mut data.random, &hash)?;
        let words = places.into_iter().map(|place| fields[place]).flat_map(|(field, value)| {
            [Some(field), request.with_values.then_some(value)].into_iter().flatten()
        });
        Ok(Reply::Array(words.cloned().map(Reply::Bulk).collect()))
    })
}

/// How many fields are asked for.
#[derive(Clone, Copy)]
struct Request {
    count: i64,
    with_values: bool,
}

impl Request {
    fn parse(count: &[u8], options: &[Bytes]) -> Result<Self, Reply> {
        let count = integer_in(count, -i64::MAX..=i64::MAX)?;
        let with_values = match options {
            [] => false,
            [option] if is_option(option, "withvalues") => true,
            _ => return Err(SYNTAX_ERROR),
        };
        if with_values && count.unsigned_abs() > i64::MAX as u64 / 2 {
            return Err(Reply::error("ERR value is out of range"));
        }
        Ok(Self { count, with_values })
    }

    /// The places of the fields in the hash.
    fn draw(self, random: &mut Random, hash: &Hash) -> Result<Vec<usize>, Reply> {
        if self.count >= 0 {
            return Ok(different_places(random, hash.len(), self.count.unsigned_abs()));
        }
        if self.count.unsigned_abs() > REPEATED_MAX {
            return Err(Reply::error("ERR value is out of range"));
        }
        Ok((self.count..0).map(|_| any_place(random, hash)).collect())
    }
}

fn any_place(random: &mut Random, hash: &Hash) -> usize {
    random.below(hash.len() as u64) as usize
}

/// So many places, each choice equally likely: each is taken with the probability that is needed to
/// come to the number.
fn different_places(random: &mut Random, length: usize, wanted: u64) -> Vec<usize> {
    let mut missing = wanted.min(length as u64);
    let mut places = Vec::new();
    for place in 0..length {
        let left = (length - place) as u64;
        if missing == left || random.ratio(missing, left) {
            places.push(place);
            missing -= 1;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_of_places_comes_about_equally_often() {
        let mut random = Random::new(1, 1);
        let mut seen = [0; 4];
        for _ in 0..40_000 {
            let places = different_places(&mut random, 4, 2);
            assert!(places.len() == 2 && places[0] < places[1]);
            places.into_iter().for_each(|place| seen[place] += 1);
        }
        assert!(seen.iter().all(|times| (19_500..20_500).contains(times)), "{seen:?}");
        assert_eq!(different_places(&mut random, 3, 9), [0, 1, 2]);
        assert_eq!(different_places(&mut random, 3, 0), [0; 0]);
    }
}

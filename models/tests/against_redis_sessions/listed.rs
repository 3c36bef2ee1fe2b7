//! Stories that were written down: transactions, subscriptions, pauses, clients. The first line of
//! each is its title.

pub const STORIES: &[&str] = &[
    "a transaction
     0 MULTI
     0 MULTI
     0 WATCH k
     0 SET k v
     0 HSET k f v
     0 INCR k
     0 GET k
     1 GET k
     0 EXEC
     0 EXEC
     0 DISCARD
     0 MULTI
     0 DISCARD
     0 MULTI
     0 EXEC",
    "errors while queueing
     0 MULTI
     0 GET
     0 SET k v
     0 EXEC
     0 MULTI
     0 NOSUCH
     0 DISCARD
     0 MULTI
     0 CLIENT NOSUCH
     0 EXEC
     0 MULTI
     0 EXEC now
     0 EXEC
     0 EXEC now
     0 MULTI x
     0 DISCARD x
     0 UNWATCH x",
    "watches
     0 WATCH k
     1 SET k v
     0 MULTI
     0 GET k
     0 EXEC
     0 WATCH k
     0 SET k w
     0 MULTI
     0 EXEC
     0 WATCH k l
     1 GET k
     0 MULTI
     0 EXEC
     0 WATCH k
     1 FLUSHALL
     0 MULTI
     0 EXEC
     0 WATCH k
     1 FLUSHALL
     0 MULTI
     0 EXEC
     0 WATCH h
     1 HSET h f v
     0 CLIENT INFO
     0 MULTI
     0 CLIENT INFO
     0 EXEC
     0 CLIENT INFO
     0 WATCH h
     1 DEL nosuch
     1 HDEL h nosuch
     0 MULTI
     0 EXEC
     0 WATCH k
     1 SET k v
     0 RESET
     0 MULTI
     0 PING
     0 EXEC",
    "watches and expiry
     1 SET k v PX 30
     0 WATCH k
     sleep 200
     0 MULTI
     0 PING
     0 EXEC
     1 CONFIG SET hz 1
     1 SET k v PX 30
     sleep 40
     0 WATCH k
     1 GET k
     0 MULTI
     0 PING
     0 EXEC
     1 CONFIG SET hz 10
     sleep 1100",
    "subscribers
     0 SUBSCRIBE a b a
     1 PSUBSCRIBE a* b?
     2 SUBSCRIBE a
     3 PUBLISH a x
     3 PUBLISH b x
     3 PUBLISH bc x
     3 PUBSUB NUMSUB
     3 PUBSUB NUMSUB a b c
     3 PUBSUB NUMPAT
     3 PUBSUB CHANNELS b*
     3 PUBSUB CHANNELS x*
     3 PUBSUB NOSUCH
     3 PUBSUB CHANNELS a b
     3 PUBSUB
     0 PING
     0 PING x
     0 PING x y
     0 GET k
     0 CLIENT ID
     0 NOSUCH
     0 GET
     0 MULTI
     0 PUBLISH a x
     0 UNSUBSCRIBE nosuch
     0 UNSUBSCRIBE b
     0 UNSUBSCRIBE
     0 UNSUBSCRIBE
     0 PUNSUBSCRIBE
     0 SUNSUBSCRIBE
     0 GET k
     1 PUNSUBSCRIBE b? a*
     1 GET k
     2 RESET
     2 PING
     3 PUBLISH a x
     3 SUBSCRIBE
     3 PUBLISH a
     0 SSUBSCRIBE s
     0 SUBSCRIBE s
     0 CLIENT LIST
     1 SPUBLISH s x
     1 PUBSUB SHARDCHANNELS
     1 PUBSUB SHARDNUMSUB s t
     0 QUIT
     1 PUBLISH s x",
    "Redisson's unlock
     0 SUBSCRIBE redisson_lock__channel:{stock}
     1 EVAL redis.call('hset',KEYS[1],ARGV[2],1)redis.call('pexpire',KEYS[1],ARGV[1])return_nil 1 stock 30000 me
     1 EVAL redis.call('del',KEYS[1])redis.call('publish',KEYS[2],ARGV[1])return_1 2 stock redisson_lock__channel:{stock} 0
     1 EVAL return_redis.call('spublish','a','b') 0
     1 EVAL return_redis.pcall('psubscribe','a').err 0
     1 EVAL return_redis.call('publish','a') 0",
    "pub/sub inside transactions
     0 MULTI
     0 SUBSCRIBE a b
     0 PUBLISH a x
     0 PING
     0 UNSUBSCRIBE b
     0 EXEC
     0 UNSUBSCRIBE a
     0 MULTI
     0 SUBSCRIBE a b
     0 PING
     0 PING x
     0 GET k
     0 UNSUBSCRIBE a b
     0 PING
     0 EXEC
     0 UNSUBSCRIBE b
     0 UNSUBSCRIBE a
     0 MULTI
     0 SSUBSCRIBE a
     0 PSUBSCRIBE a*
     0 PUBLISH ab x
     0 PUNSUBSCRIBE
     0 EXEC
     1 MULTI
     1 UNSUBSCRIBE
     1 EXEC",
    "a pause for writes
     4 CLIENT PAUSE 100000 WRITE
     0 GET k
     0 SET k v
     0 GET k
     1 PUBLISH a x
     2 EVAL return_1 0
     3 MULTI
     3 GET k
     3 SET k w
     3 EXEC
     4 CLIENT LIST
     4 INFO clients
     4 CLIENT UNPAUSE
     4 GET k
     4 CLIENT LIST
     4 CLIENT PAUSE 0
     0 SET k v
     4 CLIENT PAUSE -1
     4 CLIENT PAUSE x
     4 CLIENT PAUSE 10 NOSUCH
     4 CLIENT PAUSE 10 ALL x
     4 CLIENT PAUSE",
    "a pause for all ends by itself
     4 CLIENT PAUSE 80 ALL
     0 GET k
     0 SET k v
     1 GET k
     sleep 400
     0 GET k",
    "what expires during a pause
     4 CONFIG SET hz 1
     0 SET k v PX 20
     4 CLIENT PAUSE 100000 WRITE
     sleep 40
     0 GET k
     0 DBSIZE
     0 TTL k
     0 EXISTS k
     4 CLIENT UNPAUSE
     0 GET k
     0 DBSIZE
     4 CONFIG SET hz 10
     sleep 1100",
    "waits
     0 WAIT 0 0
     0 WAIT -1 0
     0 WAIT x 0
     0 WAIT 1 x
     0 WAIT 1 -1
     0 WAIT 1
     0 WAIT 1 50
     0 PING
     1 CLIENT LIST
     1 INFO clients
     sleep 400
     0 WAIT 1 0
     1 CLIENT UNBLOCK $id0
     0 WAIT 1 0
     1 CLIENT UNBLOCK $id0 ERROR
     0 WAIT 1 0
     1 CLIENT UNBLOCK $id0 timeout
     1 CLIENT UNBLOCK $id0
     1 CLIENT UNBLOCK 99999
     1 CLIENT UNBLOCK x
     1 CLIENT UNBLOCK $id0 NOSUCH
     0 WAIT 1 0
     1 CLIENT KILL ID $id0
     0 MULTI
     0 WAIT 1 0
     0 EXEC",
    "names, lists and kills
     0 CLIENT SETNAME buyer-1
     0 CLIENT GETNAME
     0 CLIENT SETNAME a_b
     0 CLIENT SETNAME _
     0 CLIENT INFO
     1 CLIENT LIST
     1 CLIENT LIST TYPE normal
     1 CLIENT LIST TYPE nosuch
     1 CLIENT LIST TYPE master
     1 CLIENT LIST ID $id1 $id0 99999
     1 CLIENT LIST ID x
     1 CLIENT LIST ID
     1 CLIENT LIST x
     1 CLIENT NO-EVICT on
     1 CLIENT NO-EVICT x
     1 CLIENT INFO
     1 CLIENT NO-EVICT off
     1 CLIENT GETREDIR
     1 CLIENT CACHING yes
     1 CLIENT SETINFO lib-name x
     1 CLIENT NOSUCH
     1 CLIENT
     1 CLIENT ID x
     1 CLIENT KILL
     1 CLIENT KILL x
     1 CLIENT KILL ID
     1 CLIENT KILL ID x
     1 CLIENT KILL ID 0
     1 CLIENT KILL ID 99999
     1 CLIENT KILL ID x SKIPME no
     1 CLIENT KILL TYPE nosuch
     1 CLIENT KILL TYPE pubsub
     1 CLIENT KILL USER nosuch
     1 CLIENT KILL USER default ID 99999
     1 CLIENT KILL NOSUCH x
     1 CLIENT KILL SKIPME x
     2 SUBSCRIBE a
     1 CLIENT KILL TYPE pubsub
     1 PUBLISH a x
     1 CLIENT KILL $addr0
     1 CLIENT KILL ADDR $addr0 SKIPME no
     1 CLIENT KILL ID $id1
     1 CLIENT KILL ID $id1 SKIPME no
     1 CLIENT KILL $addr1",
    "killed in the same breath
     0 SUBSCRIBE a
     1 MULTI
     1 PUBLISH a x
     1 CLIENT KILL TYPE pubsub
     1 PUBLISH a y
     1 EXEC",
    "replies off and on
     0 CLIENT REPLY SKIP
     0 PING
     0 PING
     0 CLIENT REPLY OFF
     0 SET k v
     0 NOSUCH
     0 SUBSCRIBE a
     1 PUBLISH a x
     0 UNSUBSCRIBE a
     0 CLIENT REPLY SKIP
     0 CLIENT REPLY ON
     0 CLIENT REPLY NOSUCH
     0 CLIENT REPLY
     0 CLIENT REPLY SKIP
     0 RESET
     0 PING
     0 CLIENT REPLY OFF
     0 RESET
     0 PING
     0 CLIENT REPLY SKIP
     0 MULTI
     0 GET k
     0 EXEC",
    "who wants no answer to QUIT
     0 SUBSCRIBE a
     0 RESET
     0 CLIENT REPLY OFF
     0 SUBSCRIBE a
     0 QUIT
     0 UNSUBSCRIBE a
     1 CLIENT LIST
     1 PUBLISH a x
     1 PUBLISH a x",
];

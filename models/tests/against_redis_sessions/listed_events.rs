//! Stories that were written down: events of keys.

pub const STORIES: &[&str] = &[
    "events of strings
     4 CONFIG SET notify-keyspace-events AKEmn
     4 CONFIG GET notify-keyspace-events
     1 PSUBSCRIBE *key*@*
     0 SET k v
     0 SET k v PX 1000000
     0 SET k v KEEPTTL
     0 SET k v GET
     0 SET k v NX
     0 SET nosuch v XX
     0 SETEX k 1000 v
     0 PSETEX l 1000000 v
     0 SETNX k v
     0 SETNX m v
     0 GETSET k w
     0 GETSET n w
     0 GETEX k
     0 GETEX k PX 1000000
     0 GETEX k PERSIST
     0 GETEX k PERSIST
     0 GETEX k PXAT 1
     0 GETEX nosuch
     0 GETDEL l
     0 GETDEL l
     0 MSET a 1 b 2
     0 MSETNX a 1 c 2
     0 MSETNX c 1 d 2
     0 INCR a
     0 DECRBY a 3
     0 INCR e
     0 INCRBYFLOAT a 0.5
     0 APPEND a x
     0 APPEND f x
     0 SETRANGE a 1 y
     0 SETRANGE g 1 y
     0 SETRANGE g 1 ''
     0 GETRANGE nosuch 0 1
     0 STRLEN nosuch
     0 MGET nosuch a nosuch
     0 LCS nosuch a
     0 INCR m",
    "events of hashes
     4 CONFIG SET notify-keyspace-events KEhgnm
     1 PSUBSCRIBE *key*@*
     0 HSET h a 1 b 2
     0 HSET h a 1
     0 HMSET g a 1
     0 HSETNX h a 1
     0 HSETNX h c 1
     0 HSETNX i c 1
     0 HINCRBY h a 1
     0 HINCRBY j a 1
     0 HINCRBYFLOAT h a 0.5
     0 HINCRBYFLOAT l a 0.5
     0 HINCRBY h c x
     0 HDEL h a nosuch
     0 HDEL h nosuch
     0 HDEL h b c
     0 HDEL h b
     0 HGET nosuch f
     0 HEXISTS nosuch f
     0 HGETALL nosuch
     0 HMGET nosuch f
     0 HLEN nosuch
     0 HRANDFIELD nosuch
     0 HSCAN nosuch 0
     0 SET s v
     0 HSET s a 1
     0 HGET s a",
    "events of keys
     4 CONFIG SET notify-keyspace-events AKEmn
     1 PSUBSCRIBE *key*@*
     0 SET k v
     0 EXPIRE k 1000
     0 EXPIRE k 1000 NX
     0 EXPIRE nosuch 1000
     0 PERSIST k
     0 PERSIST k
     0 PEXPIREAT k 1
     0 SET k v
     0 SET l v
     0 RENAME k l
     0 RENAME l l
     0 RENAME nosuch l
     0 RENAMENX l m
     0 RENAMENX m m
     0 COPY m n
     0 COPY m n
     0 COPY m n REPLACE
     0 COPY nosuch n
     0 COPY m n DB 1
     0 MOVE m 2
     0 MOVE m 2
     0 DEL n n nosuch
     0 UNLINK nosuch
     0 EXISTS nosuch nosuch
     0 TTL nosuch
     0 TYPE nosuch
     0 TOUCH nosuch
     0 OBJECT ENCODING nosuch
     0 OBJECT FREQ nosuch
     0 EXPIRETIME nosuch
     0 SELECT 2
     0 SET z v
     0 SWAPDB 2 3
     0 FLUSHDB
     0 FLUSHALL",
    "events of keys whose time is over
     4 CONFIG SET notify-keyspace-events Ex
     1 PSUBSCRIBE *key*@*
     2 SUBSCRIBE expired
     0 SET k v PX 30
     sleep 300
     0 HSET h f v
     0 PEXPIRE h 30
     sleep 300
     0 EXISTS k
     4 CONFIG SET hz 1
     sleep 1100
     0 SELECT 7
     0 SET k v PX 20
     sleep 40
     0 GET k
     0 EVAL return_redis.call('set','l','v','px',5) 0
     sleep 20
     0 EVAL return_redis.call('get','l') 0
     4 CONFIG SET hz 10
     sleep 1100",
    "events inside transactions and scripts
     4 CONFIG SET notify-keyspace-events AKE
     1 PSUBSCRIBE *key*@*
     0 MULTI
     0 SET k v
     0 SELECT 1
     0 SET k v
     0 DEL k
     0 EXEC
     0 EVAL redis.call('hset',KEYS[1],'me',1)redis.call('pexpire',KEYS[1],1000000)return_redis.call('del',KEYS[1]) 1 h",
    "which events are told
     4 CONFIG SET notify-keyspace-events KEq
     4 CONFIG SET notify-keyspace-events g$
     1 PSUBSCRIBE *key*@*
     0 SET k v
     4 CONFIG SET notify-keyspace-events K$
     0 SET k v
     4 CONFIG SET notify-keyspace-events E$
     0 SET k v PX 1000000
     0 HSET h f v
     4 CONFIG SET notify-keyspace-events E$lshzxetdgm
     4 CONFIG GET notify-keyspace-events
     4 CONFIG SET notify-keyspace-events nmEKd
     4 CONFIG GET notify-keyspace-events
     4 CONFIG SET notify-keyspace-events ''
     4 CONFIG GET notify-keyspace-events
     0 DEL k h",
    "events of keys that are evicted
     4 CONFIG SET notify-keyspace-events KEe
     1 PSUBSCRIBE *key*@*
     0 SET k v
     0 SELECT 3
     0 HSET h f v
     4 CONFIG SET maxmemory-policy allkeys-lru
     4 CONFIG SET maxmemory 1
     0 DBSIZE
     4 CONFIG SET maxmemory 0
     0 SET k v
     4 CONFIG SET maxmemory-policy volatile-random
     4 CONFIG SET maxmemory 1
     0 EXPIRE k 1000
     4 PING
     4 CONFIG SET maxmemory 0 maxmemory-policy noeviction",
];

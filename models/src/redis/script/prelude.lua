-- The world that scripts live in: run once per VM. It gets the functions that Rust provides, and
-- returns the globals of all scripts and the function that runs one.
--
-- Redis patches Lua so that tables can be made read-only (`lua_enablereadonlytable`). Plain Lua
-- has no such thing, so scripts see empty proxies: reads go through to the table behind, writes
-- are errors. Nothing a script does may reach the next one: whatever could write past a proxy
-- (`rawset`, `setmetatable`, `setfenv`, `table.insert`) is wrapped, and whatever would show the
-- state of the VM (addresses, memory in use, finalisers) is replaced or taken away.
--
-- The names of the locals are those that Lua shows in its messages.

local host = ...

local error, getfenv, getmetatable, loadstring, next, pairs, pcall, rawequal, rawget, rawset,
  select, setfenv, setmetatable, tonumber, tostring, type, xpcall =
  error, getfenv, getmetatable, loadstring, next, pairs, pcall, rawequal, rawget, rawset,
  select, setfenv, setmetatable, tonumber, tostring, type, xpcall
local byte, format, rep = string.byte, string.format, string.rep
local concat, insert = table.concat, table.insert
local create, resume = coroutine.create, coroutine.resume
local floor = math.floor
local convert, position, lrand48, srand48 = host.convert, host.handle, host.lrand48, host.srand48

local real = _G
local READONLY = "Attempt to modify a readonly table"

-- Proxies, each with the table that it stands for.
local protected = {}

local function refuse()
  error(READONLY, 2)
end

local function protect(contents)
  local proxy = setmetatable({}, { __index = contents, __newindex = refuse })
  protected[proxy] = contents
  return proxy
end

local function copy(from)
  local to = {}
  for name, value in pairs(from) do to[name] = value end
  return to
end

-- What was changed in this run and has to be put back after it.
local environment_changed = false
-- The names of tables and functions that `tostring` was asked for in this run.
local names, named = nil, 0

local globals = {}
local environment = protect(globals)
setmetatable(globals, {
  __index = function(_, name)
    if type(name) ~= "string" and type(name) ~= "number" then
      error("Second argument to luaProtectedTableError must be a string or number", 2)
    end
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
  end,
})

for _, name in pairs({
  "assert", "error", "ipairs", "next", "pairs", "rawequal", "rawget", "select", "tonumber",
  "type", "unpack", "_VERSION",
}) do
  globals[name] = real[name]
end
globals._G = environment

-- Errors ------------------------------------------------------------------------------------

-- An error that Rust raised is an object of Rust's: scripts see the table that Redis would show.
local function shown(message)
  if type(message) ~= "userdata" then return message end
  local value, killed = convert(message)
  -- No script may catch the end of its own time.
  if killed then error(message, 0) end
  return value
end

-- Redis has its own `pcall`, which shows the text of an error table in the table's place.
-- Source: `script_lua.c`, `luaRedisPcall`.
local function after_pcall(ok, ...)
  if ok then return true, ... end
  local message = shown((...))
  if type(message) ~= "table" then return false, message end
  local text = message.err
  if type(text) == "string" or type(text) == "number" then return false, text end
  return false, message, text
end

function globals.pcall(...)
  return after_pcall(pcall(...))
end

local function after_xpcall(ok, ...)
  if not ok then shown((...)) end
  return ok, ...
end

function globals.xpcall(body, handler)
  return after_xpcall(xpcall(body, function(message)
    if type(message) == "userdata" then
      local value, killed = convert(message)
      if killed then return message end
      message = value
    end
    return handler(message)
  end))
end

local function after_resume(ok, ...)
  if ok then return true, ... end
  return false, shown((...))
end

local function after_wrapped(ok, ...)
  if ok then return ... end
  error(shown((...)), 3)
end

local coroutines = copy(coroutine)

function coroutines.resume(...)
  return after_resume(resume(...))
end

function coroutines.wrap(body)
  local thread = create(body)
  return function(...)
    local function call(...) return after_wrapped(...) end
    return call(resume(thread, ...))
  end
end

-- Tables, metatables, environments ------------------------------------------------------------

local string_metatable = protect(getmetatable(""))

function globals.getmetatable(object)
  if type(object) == "string" then return string_metatable end
  if protected[object] then return nil end
  return getmetatable(object)
end

function globals.setmetatable(object, ...)
  if protected[object] then error(READONLY, 0) end
  return setmetatable(object, ...)
end

function globals.rawset(object, ...)
  if protected[object] then error(READONLY, 0) end
  return rawset(object, ...)
end

-- All functions that scripts share: their environment is not theirs to change.
local shared = {}

function globals.getfenv(target)
  local found
  if target == nil then
    found = getfenv(2)
  elseif type(target) == "number" and target >= 1 then
    found = getfenv(target + 1)
  else
    found = getfenv(target)
  end
  if rawequal(found, real) then return environment end
  return found
end

function globals.setfenv(target, new)
  local level = tonumber(target)
  if level and level < 1 or shared[target] then
    error("'setfenv' cannot change environment of given object", 2)
  end
  local changed = setfenv(level and level + 1 or target, new)
  if shared[changed] then
    setfenv(changed, real)
    error("'setfenv' cannot change environment of given object", 2)
  end
  environment_changed = true
  return changed
end

-- Chunks ----------------------------------------------------------------------------------------

-- Bytecode can do what no source can; Redis's Lua does not load it either.
function globals.loadstring(chunk, ...)
  if byte(chunk) == 27 then return nil, "attempt to load a binary chunk" end
  return loadstring(chunk, ...)
end

function globals.load(reader, name)
  local pieces = {}
  while true do
    local piece = reader()
    if piece == nil or piece == "" then break end
    pieces[#pieces + 1] = piece
  end
  return globals.loadstring(concat(pieces), name or "=(load)")
end

-- What would show the state of the VM -------------------------------------------------------

-- Real addresses differ from run to run.
function globals.tostring(...)
  local object = ...
  local kind = type(object)
  if kind ~= "table" and kind ~= "function" and kind ~= "thread" and kind ~= "userdata" then
    return tostring(...)
  end
  local metatable = getmetatable(object)
  if type(metatable) == "table" and rawget(metatable, "__tostring") ~= nil then
    return tostring(object)
  end
  names = names or {}
  if not names[object] then
    named = named + 1
    names[object] = format("%s: 0x%012x", kind, named * 32)
  end
  return names[object]
end

function globals.collectgarbage(option)
  if option == "count" then return 0, 0 end
  return 0
end

function globals.gcinfo()
  return 0, 0
end

-- Libraries -----------------------------------------------------------------------------------

local strings = copy(string)

function strings.rep(text, count)
  if tonumber(count) and #text * count > host.string_max_bytes then
    error("resulting string too large", 2)
  end
  return rep(text, count)
end

local tables = copy(table)

function tables.insert(list, ...)
  if protected[list] then error(READONLY, 0) end
  return insert(list, ...)
end

local maths = copy(math)

local function integer(value, argument, name)
  local number = tonumber(value)
  if not number then
    local got = value == nil and "no value" or type(value)
    error(format("bad argument #%d to '%s' (number expected, got %s)", argument, name, got), 3)
  end
  return number < 0 and -floor(-number) or floor(number)
end

-- Source: `script_lua.c`, `redis_math_random`.
function maths.random(...)
  local part = (lrand48() % 2147483647) / 2147483647
  local count = select("#", ...)
  if count == 0 then return part end
  if count > 2 then error("wrong number of arguments", 2) end
  local low, high = 1, integer((...), 1, "random")
  if count == 2 then
    low, high = high, integer((select(2, ...)), 2, "random")
  end
  if low > high then
    error(format("bad argument #%d to 'random' (interval is empty)", count), 2)
  end
  return floor(part * (high - low + 1)) + low
end

function maths.randomseed(seed)
  srand48(integer(seed, 1, "randomseed"))
end

globals.string = protect(strings)
globals.table = protect(tables)
globals.math = protect(maths)
globals.coroutine = protect(coroutines)
globals.redis = protect(host.redis)

for _, value in pairs(globals) do
  if type(value) == "function" then shared[value] = true end
  for _, member in pairs(protected[value] or {}) do
    if type(member) == "function" then shared[member] = true end
  end
end

getmetatable("").__index = strings

-- Running a script ----------------------------------------------------------------------------

return environment, function(script, keys, arguments)
  globals.KEYS, globals.ARGV = keys, arguments
  local ok, result = xpcall(script, position)
  if environment_changed then
    environment_changed = false
    setfenv(script, environment)
  end
  if names then names, named = nil, 0 end
  return ok, result
end

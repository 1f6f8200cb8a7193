%%% Runs one scenario on the real OTP supervisor and returns its trace.
%%%
%%% The format of both is in ../SCENARIO.md. recorder.erl is the command that
%%% reads the files and uses this module:
%%%
%%%     ok = scenario:setup(),
%%%     {ok, Trace} = scenario:run(Scenario)
%%%
%%% A scenario and a trace are decoded JSON: maps, lists, binaries, integers and
%%% the atoms true, false and null. Keys are binaries in a scenario and atoms in
%%% a trace, where other atoms stand for strings.
%%%
%%% How it works. Every supervisor of the tree is an OTP supervisor with this
%%% module as its callback; every worker is a process of this module that exits
%%% when told to. Three kinds of events are merged into one list, ordered by
%%% strict monotonic time:
%%%   - start:  logged by the start function, in the supervisor process
%%%   - exit:   taken from process tracing, so that it has the time of the exit
%%%             itself and not of a notice of it
%%%   - report: taken from logger, whose handler runs in the supervisor process
%%%
%%% Scenarios run one at a time: the tables below and the name of the runner
%%% process are global.
-module(scenario).

-export([setup/0, run/1]).
%% Called by OTP: supervisor and logger callbacks, start functions.
-export([init/1, log/2, start_node/2, start_instance/4, worker_init/4]).

%% The tables, all of them emptied before each run.
-define(EVENTS, scenario_events).       % {Time, Event}
-define(PROCESSES, scenario_processes). % {Pid, Path, Attempt, worker | supervisor | simple}
-define(LATEST, scenario_latest).       % {Path, Pid}: the one last started there
-define(ATTEMPTS, scenario_attempts).   % {Path, Attempts}
-define(PROBLEMS, scenario_problems).   % {Problem}: why the trace is not to be used
-define(TABLES, [?EVENTS, ?PROCESSES, ?LATEST, ?ATTEMPTS, ?PROBLEMS]).

-define(RUNNER, scenario_runner).

%% No scenario comes near it; it is there for one that hangs.
-define(RUN_TIMEOUT_MS, 120000).
%% How long a trigger may take to reach a gate.
-define(GATE_TIMEOUT_MS, 5000).
%% Looks, about 1 ms apart, before waiting for quiescence is given up.
-define(QUIESCE_LOOKS, 20000).
%% Looks, 1 ms apart, before waiting for a message in a queue is given up.
-define(QUEUE_LOOKS, 5000).

%%% ---------------------------------------------------------------------
%%% Running
%%% ---------------------------------------------------------------------

%% Once per node: the tables, and logger with this module as the only handler.
-spec setup() -> ok.
setup() ->
    _ = logger:remove_handler(default),
    ok = logger:set_primary_config(level, info),
    ok = logger:add_handler(?MODULE, ?MODULE, #{level => info}),
    lists:foreach(fun(Table) ->
                          Table = ets:new(Table, [named_table, public, ordered_set])
                  end, ?TABLES).

-spec run(map()) -> {ok, Trace :: map()} | {failed, Why :: term()}.
run(Scenario) ->
    lists:foreach(fun ets:delete_all_objects/1, ?TABLES),
    Self = self(),
    {Runner, Monitor} = spawn_monitor(fun() -> Self ! {self(), runner(Scenario)} end),
    Result = receive
                 {Runner, R} ->
                     wait_down(Monitor), % its name must be free for the next run
                     R;
                 {'DOWN', Monitor, process, Runner, Why} ->
                     {failed, Why}
             after ?RUN_TIMEOUT_MS ->
                     exit(Runner, kill),
                     wait_down(Monitor),
                     {failed, timeout}
             end,
    kill_rest(),
    case ets:tab2list(?PROBLEMS) of
        [] -> Result;
        [{Problem} | _] -> {failed, Problem}
    end.

%% The runner process: the parent of the root supervisor and the one that sends
%% it requests.
runner(Scenario) ->
    process_flag(trap_exit, true),
    true = register(?RUNNER, self()),
    Tracer = spawn_link(fun tracer/0),
    1 = erlang:trace(self(), true, [procs, set_on_spawn, strict_monotonic_timestamp,
                                    {tracer, Tracer}]),
    try
        {ok, trace(Scenario, Tracer)}
    catch
        Class:Reason:Stack -> {failed, {Class, Reason, Stack}}
    after
        erlang:trace(self(), false, [all]),
        unlink(Tracer),
        exit(Tracer, kill)
    end.

trace(#{<<"tree">> := #{<<"id">> := Root} = Tree} = Scenario, Tracer) ->
    Start = finish(start_root(Tree), Root, Tracer),
    Steps = [finish(step(Step, Root), Root, Tracer)
             || Step <- maps:get(<<"steps">>, Scenario, [])],
    Final = snapshot(Root),
    _ = stop_root(Root),
    #{start => Start, steps => Steps, final => Final}.

start_root(Tree) ->
    try start_node(<<>>, Tree) of
        {ok, _} -> #{result => ok};
        ignore -> #{result => ignore};
        {error, Error} -> #{result => error_result(Error)}
    catch
        error:raised -> #{result => error_result(raised)}
    end.

%% Completes the result of a step with what happened until the tree was at rest.
finish(Result, Root, Tracer) ->
    quiesce(Root, 0, none),
    Result#{events => take_events(Tracer)}.

stop_root(Root) ->
    case resolve(Root) of
        {ok, Pid} ->
            Monitor = monitor(process, Pid),
            exit(Pid, shutdown),
            wait_down_opening_gates(Monitor),
            ok;
        dead ->
            no_process
    end.

%% After a run that failed some processes may be left. Supervisors go first, so
%% that none of them sees a child die and reports it.
kill_rest() ->
    Processes = ets:tab2list(?PROCESSES),
    {Workers, Sups} = lists:partition(fun({_, _, _, Kind}) -> Kind =:= worker end, Processes),
    lists:foreach(fun({Pid, _, _, _}) ->
                          Monitor = monitor(process, Pid),
                          exit(Pid, kill),
                          wait_down(Monitor)
                  end, Sups ++ Workers).

wait_down(Monitor) ->
    receive {'DOWN', Monitor, process, _, _} -> ok end.

%% Notes why the trace of this run must not be used.
problem(Problem) ->
    ets:insert(?PROBLEMS, {Problem}).

%%% ---------------------------------------------------------------------
%%% Quiescence
%%% ---------------------------------------------------------------------

%% At rest: no child is restarting, every process listed by a supervisor is
%% alive, and the processes alive are just those reachable from the root. It has
%% to be so twice in a row with nothing logged between. Gates that are met while
%% waiting are opened.
quiesce(_, ?QUIESCE_LOOKS, _) ->
    problem(no_quiescence);
quiesce(Root, Looks, Before) ->
    open_gates(),
    Now = {ets:info(?EVENTS, size), ets:info(?PROCESSES, size)},
    case at_rest(Root) of
        true when Now =:= Before -> ok;
        true -> erlang:yield(), quiesce(Root, Looks + 1, Now);
        false when Looks < 50 -> erlang:yield(), quiesce(Root, Looks + 1, none);
        false -> timer:sleep(1), quiesce(Root, Looks + 1, none)
    end.

at_rest(Root) ->
    Alive = [Pid || {Pid, _, _, _} <- ets:tab2list(?PROCESSES), is_process_alive(Pid)],
    try
        Reachable = case resolve(Root) of
                        {ok, Pid} -> [Pid | reachable(Pid)];
                        dead -> []
                    end,
        lists:sort(Reachable) =:= lists:sort(Alive)
            andalso lists:all(fun is_process_alive/1, Alive)
    catch
        throw:not_at_rest -> false;
        exit:_ -> false                 % the call to a supervisor failed
    end.

reachable(Sup) ->
    lists:flatmap(fun({_, restarting, _, _}) ->
                          throw(not_at_rest);
                     ({_, undefined, _, _}) ->
                          [];
                     ({_, Pid, Type, _}) ->
                          is_process_alive(Pid) orelse throw(not_at_rest),
                          case Type of
                              supervisor -> [Pid | reachable(Pid)];
                              worker -> [Pid]
                          end
                  end, gen_server:call(Sup, which_children, 100)).

%%% ---------------------------------------------------------------------
%%% Gates
%%% ---------------------------------------------------------------------

%% In the supervisor process: blocks until the runner opens the gate.
gate() ->
    Ref = make_ref(),
    ?RUNNER ! {gate, self(), Ref},
    receive {open, Ref} -> ok end.

open_gates() ->
    receive
        {gate, Sup, Ref} -> Sup ! {open, Ref}, open_gates()
    after 0 ->
        ok
    end.

wait_down_opening_gates(Monitor) ->
    receive
        {'DOWN', Monitor, process, _, _} -> ok;
        {gate, Sup, Ref} -> Sup ! {open, Ref}, wait_down_opening_gates(Monitor)
    end.

%%% ---------------------------------------------------------------------
%%% Steps
%%% ---------------------------------------------------------------------

step(#{<<"op">> := <<"sleep_ms">>, <<"ms">> := Ms}, _Root) ->
    timer:sleep(Ms),
    #{result => ok};
step(#{<<"op">> := <<"stop">>}, Root) ->
    #{result => stop_root(Root)};
step(#{<<"op">> := <<"exit">>} = Step, _Root) ->
    #{result => exit_worker(Step)};
step(#{<<"op">> := <<"stop_sup">>, <<"sup">> := Path, <<"reason">> := Reason}, _Root) ->
    case resolve_sup(Path) of
        {ok, Pid} ->
            %% The call fails if the supervisor goes for another reason first.
            try gen_server:stop(Pid, reason(Reason), infinity) catch exit:_ -> ok end,
            #{result => ok};
        dead ->
            #{result => no_process}
    end;
step(#{<<"op">> := <<"snapshot">>}, Root) ->
    #{result => ok, value => snapshot(Root)};
step(#{<<"op">> := <<"gated">>, <<"trigger">> := Trigger, <<"queued">> := Queued}, _Root) ->
    Triggered = case Trigger of
                    #{<<"op">> := <<"exit">>} -> {done, exit_worker(Trigger)};
                    #{} -> send(Trigger)
                end,
    receive
        {gate, Sup, Ref} ->
            Sent = [{queue(Step, Sup), Step} || Step <- Queued],
            Sup ! {open, Ref},
            Results = [await(Request, Step) || {Request, Step} <- Sent],
            (await(Triggered, Trigger))#{queued => Results}
    after ?GATE_TIMEOUT_MS ->
        problem(no_gate),
        #{result => no_gate}
    end;
step(Step, _Root) ->
    await(send(Step), Step).

exit_worker(#{<<"child">> := Path, <<"reason">> := Reason}) ->
    case {resolve(Path), resolve_sup(Path)} of
        {{ok, Pid}, dead} ->
            Monitor = monitor(process, Pid),
            case Reason of
                <<"kill">> -> exit(Pid, kill);
                _ -> Pid ! {die, reason(Reason)}
            end,
            wait_down(Monitor),
            ok;
        _ ->
            no_process
    end.

%% Issues a step while Sup is blocked in a gated start, and waits until it is in
%% the queue of Sup.
queue(#{<<"op">> := <<"exit">>, <<"child">> := Path} = Step, Sup) ->
    {ok, Pid} = resolve(Path),
    Result = exit_worker(Step),
    wait_queue(Sup, messages, fun(Messages) -> has_exit(Pid, Messages) end, 0),
    {done, Result};
queue(Step, Sup) ->
    {message_queue_len, Length} = process_info(Sup, message_queue_len),
    Request = send(Step),
    wait_queue(Sup, message_queue_len, fun(Now) -> Now > Length end, 0),
    Request.

wait_queue(_, Item, _, ?QUEUE_LOOKS) ->
    problem({not_in_the_queue, Item});
wait_queue(Sup, Item, Reached, Looks) ->
    {Item, Value} = process_info(Sup, Item),
    case Reached(Value) of
        true -> ok;
        false -> timer:sleep(1), wait_queue(Sup, Item, Reached, Looks + 1)
    end.

has_exit(Pid, Messages) ->
    lists:any(fun({'EXIT', From, _}) -> From =:= Pid; (_) -> false end, Messages).

%%% ---------------------------------------------------------------------
%%% Requests to a supervisor
%%% ---------------------------------------------------------------------

%% Requests are sent without waiting, for the sake of gated steps; await/2 then
%% takes the reply.
send(#{<<"op">> := Op, <<"sup">> := Path} = Step) ->
    case resolve_sup(Path) of
        {ok, Sup} -> {sent, Sup, gen_server:send_request(Sup, request(Op, Step))};
        dead -> {done, noproc}
    end.

await({done, Result}, _Step) ->
    #{result => Result};
await({sent, Sup, Id}, #{<<"op">> := Op}) ->
    case wait_response(Id) of
        {reply, Reply} -> reply(Op, Reply, Sup);
        {error, _} -> #{result => down}
    end.

wait_response(Id) ->
    case gen_server:wait_response(Id, 2) of
        timeout -> open_gates(), wait_response(Id);
        Response -> Response
    end.

%% The messages behind the functions of the module supervisor.
request(<<"start_child">>, #{<<"child">> := Node, <<"sup">> := Path}) ->
    {start_child, spec(Path, Node)};
request(<<"start_child">>, #{<<"name">> := Name} = Step) ->
    {start_child, [Name, maps:with([<<"starts">>, <<"then">>, <<"on_stop">>], Step)]};
request(<<"terminate_child">>, Step) -> {terminate_child, child(Step)};
request(<<"restart_child">>, Step) -> {restart_child, child(Step)};
request(<<"delete_child">>, Step) -> {delete_child, child(Step)};
request(<<"get_childspec">>, Step) -> {get_childspec, child(Step)};
request(<<"which">>, _) -> which_children;
request(<<"count">>, _) -> count_children.

child(#{<<"id">> := Id}) ->
    Id;
child(#{<<"sup">> := Sup, <<"instance">> := Name}) ->
    case ets:lookup(?LATEST, path(Sup, Name)) of
        [{_, Pid}] -> Pid;
        [] -> whereis(?RUNNER)          % a live process that is no child
    end.

reply(<<"which">>, Children, Sup) ->
    #{result => ok, value => which(Children, Sup)};
reply(<<"count">>, Counts, _) ->
    #{result => ok, value => maps:from_list(Counts)};
reply(<<"get_childspec">>, {ok, Spec}, _) ->
    #{result => ok, value => maps:with([id, restart, shutdown, type, significant], Spec)};
reply(_, ok, _) -> #{result => ok};
reply(_, {ok, undefined}, _) -> #{result => <<"ok:undefined">>};
reply(_, {ok, _}, _) -> #{result => ok};
reply(_, {ok, _, _}, _) -> #{result => <<"ok:info">>};
reply(_, {error, Error}, _) -> #{result => error_result(Error)}.

%% OTP lists the instances of a simple_one_for_one in no order, so they are sorted.
which(Children, Sup) ->
    case is_simple(Sup) of
        false -> [which_child(Child, Id) || {Id, _, _, _} = Child <- Children];
        true -> lists:sort(fun which_before/2, [which_child(Child, instance(Pid))
                                                || {_, Pid, _, _} = Child <- Children])
    end.

which_child({_, Pid, Type, _}, Id) when is_pid(Pid) ->
    case ets:lookup(?PROCESSES, Pid) of
        [{_, _, Attempt, _}] -> #{id => Id, s => running, n => Attempt, type => Type};
        [] -> problem(unknown_child), #{}
    end;
which_child({_, State, Type, _}, Id) ->
    #{id => Id, s => State, type => Type}.

%% By (id, n, s, type). In Erlang's term order the atom null comes before any
%% binary and a number before an atom; the other values are told apart already.
which_before(A, B) ->
    Key = fun(#{id := Id, s := S, type := Type} = Entry) ->
                  {Id, maps:get(n, Entry, 0), S, Type}
          end,
    Key(A) =< Key(B).

snapshot(Root) ->
    case resolve(Root) of
        {ok, Pid} -> #{root => alive, sups => maps:from_list(snapshot(Root, Pid))};
        dead -> #{root => dead}
    end.

snapshot(Path, Sup) ->
    Children = gen_server:call(Sup, which_children, infinity),
    Counts = gen_server:call(Sup, count_children, infinity),
    [{Path, #{which => which(Children, Sup), count => maps:from_list(Counts)}}
     | lists:append([snapshot(ChildPath, Pid)
                     || {_, Pid, supervisor, _} <- Children, is_pid(Pid),
                        {_, ChildPath, _, _} <- ets:lookup(?PROCESSES, Pid)])].

%%% ---------------------------------------------------------------------
%%% Paths and processes
%%% ---------------------------------------------------------------------

path(<<>>, Id) -> Id;
path(Parent, Id) -> <<Parent/binary, "/", Id/binary>>.

last(Path) -> lists:last(binary:split(Path, <<"/">>, [global])).

%% A process of the tree tells where it stands, before its start returns.
enlist(Path, Attempt, Kind) ->
    ets:insert(?PROCESSES, {self(), Path, Attempt, Kind}),
    ets:insert(?LATEST, {Path, self()}).

resolve(Path) ->
    case ets:lookup(?LATEST, Path) of
        [{_, Pid}] ->
            case is_process_alive(Pid) of
                true -> {ok, Pid};
                false -> dead
            end;
        [] ->
            dead
    end.

resolve_sup(Path) ->
    case resolve(Path) of
        {ok, Pid} ->
            case ets:lookup(?PROCESSES, Pid) of
                [{_, _, _, worker}] -> dead;
                [_] -> {ok, Pid}
            end;
        dead ->
            dead
    end.

is_simple(Sup) ->
    case ets:lookup(?PROCESSES, Sup) of
        [{_, _, _, simple}] -> true;
        _ -> false
    end.

%% The name of a simple_one_for_one instance, or null if there is no process.
instance(Pid) ->
    case ets:lookup(?PROCESSES, Pid) of
        [{_, Path, _, _}] -> last(Path);
        [] -> null
    end.

%%% ---------------------------------------------------------------------
%%% The tree: specifications and start functions
%%% ---------------------------------------------------------------------

%% What the node leaves out is left out here too, so that OTP's defaults apply.
spec(Parent, #{<<"id">> := Id} = Node) ->
    Fields = fields([restart, shutdown, significant, type], Node),
    Fields#{id => Id, start => {?MODULE, start_node, [Parent, Node]}}.

flags(Node) ->
    Flags = fields([strategy, intensity, auto_shutdown], Node),
    case Node of
        #{<<"period_s">> := Period} -> Flags#{period => Period};
        #{} -> Flags
    end.

fields(Names, Node) ->
    maps:from_list([{Name, field(Value)}
                    || Name <- Names,
                       {ok, Value} <- [maps:find(atom_to_binary(Name), Node)]]).

%% Words are atoms to OTP, those it does not know included.
field(Word) when is_binary(Word) -> binary_to_atom(Word);
field(Value) -> Value.

%% The supervisor callback.
init({Path, Attempt, #{<<"strategy">> := <<"simple_one_for_one">>} = Node}) ->
    enlist(Path, Attempt, simple),
    Spec = fun(Template) ->
                   Start = {?MODULE, start_instance, [Path, Template]},
                   (spec(Path, Template))#{start := Start}
           end,
    {ok, {flags(Node), [Spec(Template) || Template <- maps:get(<<"children">>, Node, [])]}};
init({Path, Attempt, Node}) ->
    enlist(Path, Attempt, supervisor),
    {ok, {flags(Node), [spec(Path, Child) || Child <- maps:get(<<"children">>, Node, [])]}}.

%% The start functions. They run in the process of the parent supervisor; that
%% of the root in the runner.
start_node(Parent, #{<<"id">> := Id} = Node) ->
    start(path(Parent, Id), Node).

start_instance(Parent, Template, Name, Overrides) ->
    start(path(Parent, Name), maps:merge(Template, Overrides)).

start(Path, Node) ->
    Attempt = ets:update_counter(?ATTEMPTS, Path, 1, {Path, 0}),
    Starts = maps:get(<<"starts">>, Node, []),
    Outcome = case Attempt =< length(Starts) of
                  true -> lists:nth(Attempt, Starts);
                  false -> maps:get(<<"then">>, Node, <<"ok">>)
              end,
    event(#{e => start, p => Path, n => Attempt, o => Outcome}),
    start(Outcome, Path, Attempt, Node).

start(<<"gate_", Outcome/binary>>, Path, Attempt, Node) ->
    gate(),
    start(Outcome, Path, Attempt, Node);
start(<<"error">>, _, _, _) ->
    {error, start_error};
start(<<"ignore">>, _, _, _) ->
    ignore;
start(<<"raise">>, _, _, _) ->
    error(raised);
start(<<"ok">>, Path, Attempt, #{<<"type">> := <<"supervisor">>} = Node) ->
    Result = supervisor:start_link(?MODULE, {Path, Attempt, Node}),
    case Result of
        {error, _} ->
            %% OTP 25 tells of a failed init before the process is gone. Waiting
            %% for that makes its exit always precede the report of the parent.
            [{_, Pid}] = ets:lookup(?LATEST, Path),
            wait_down(monitor(process, Pid));
        _ ->
            ok
    end,
    Result;
start(Outcome, Path, Attempt, Node) ->
    case {proc_lib:start_link(?MODULE, worker_init, [Path, Attempt, Outcome, Node]), Outcome} of
        {{ok, Pid}, <<"ok">>} ->
            {ok, Pid};
        {{ok, Pid}, <<"ok_info">>} ->
            {ok, Pid, info};
        {{ok, Pid}, <<"exit_", Reason/binary>>} ->
            %% The exit has to be in the supervisor's queue on return.
            Pid ! {die, reason(Reason)},
            wait_queue(self(), messages, fun(Messages) -> has_exit(Pid, Messages) end, 0),
            {ok, Pid};
        {{error, Error}, _} ->
            {error, Error}
    end.

%%% ---------------------------------------------------------------------
%%% Workers
%%% ---------------------------------------------------------------------

%% A worker that dies in init is not enlisted, so no exit event is made of it.
worker_init(_, _, <<"crash_in_init">>, _) ->
    exit(crash);
worker_init(Path, Attempt, _Outcome, Node) ->
    OnStop = maps:get(<<"on_stop">>, Node, none),
    process_flag(trap_exit, OnStop =/= none),
    enlist(Path, Attempt, worker),
    proc_lib:init_ack({ok, self()}),
    worker(OnStop).

worker(OnStop) ->
    receive
        {die, Reason} -> exit(Reason);
        {'EXIT', _, _} when OnStop =/= none -> on_stop(OnStop)
    end.

on_stop(#{<<"hang">> := true}) ->
    receive {die, Reason} -> exit(Reason) end;
on_stop(OnStop) ->
    case OnStop of
        #{<<"exit_other">> := Other} -> exit_worker(Other);
        #{} -> ok
    end,
    timer:sleep(maps:get(<<"delay_ms">>, OnStop, 0)),
    exit(reason(maps:get(<<"reason">>, OnStop, <<"shutdown">>))).

%%% ---------------------------------------------------------------------
%%% Events
%%% ---------------------------------------------------------------------

%% The key has the form of a strict monotonic time stamp, as traced exits have.
event(Event) ->
    ets:insert(?EVENTS, {{erlang:monotonic_time(nanosecond),
                          erlang:unique_integer([monotonic])}, Event}).

tracer() ->
    receive
        {trace_ts, Pid, exit, Reason, Time} ->
            [ets:insert(?EVENTS, {Time, #{e => exit, p => Path, n => Attempt, r => class(Reason)}})
             || {_, Path, Attempt, _} <- ets:lookup(?PROCESSES, Pid)];
        {handled, From, Ref} ->
            From ! {handled, Ref};
        _ ->
            ok
    end,
    tracer().

take_events(Tracer) ->
    Delivered = erlang:trace_delivered(all),
    receive {trace_delivered, all, Delivered} -> ok end,
    Handled = make_ref(),
    Tracer ! {handled, self(), Handled},
    receive {handled, Handled} -> ok end,
    Events = [Event || {_, Event} <- ets:tab2list(?EVENTS)],
    ets:delete_all_objects(?EVENTS),
    canonical(Events).

%% The logger callback. It runs in the process that logs, here the supervisor.
%% Crash reports and the like are not events.
log(#{msg := {report, #{label := {supervisor, Type}, report := Report}}}, _Config) ->
    {Sup, _} = proplists:get_value(supervisor, Report),
    case ets:lookup(?PROCESSES, Sup) of
        [{_, Path, _, _}] -> event(report(Type, Path, Sup, Report));
        [] -> problem({report_of_unknown_supervisor, Report})
    end,
    ok;
log(_, _) ->
    ok.

report(Type, Path, Sup, Report) ->
    Child = case Type of
                progress -> proplists:get_value(started, Report);
                _ -> proplists:get_value(offender, Report)
            end,
    Event = #{e => report, t => Type, s => Path},
    with_reason(Type, proplists:get_value(reason, Report),
                maps:merge(Event, report_child(Child, is_simple(Sup)))).

report_child(Child, false) ->
    #{c => proplists:get_value(id, Child)};
report_child(Child, true) ->
    case {proplists:get_value(nb_children, Child), proplists:get_value(pid, Child)} of
        {undefined, {restarting, Pid}} -> #{c => instance(Pid)};
        {undefined, Pid} -> #{c => instance(Pid)};
        {Count, _} -> #{c => <<"*">>, nb => Count}
    end.

with_reason(progress, _, Event) -> Event;
with_reason(start_error, Error, Event) -> Event#{r => error_name(Error)};
with_reason(shutdown, Reason, Event) -> Event#{r => Reason};
with_reason(_, Reason, Event) -> Event#{r => class(Reason)}.

%%% ---------------------------------------------------------------------
%%% Reasons and errors
%%% ---------------------------------------------------------------------

reason(<<"normal">>) -> normal;
reason(<<"shutdown">>) -> shutdown;
reason(<<"shutdown_term">>) -> {shutdown, term};
reason(<<"crash">>) -> crash.

class(normal) -> normal;
class(shutdown) -> shutdown;
class({shutdown, _}) -> shutdown_term;
class(killed) -> killed;
class(_) -> crash.

error_result(Error) ->
    <<"error:", (error_name(Error))/binary>>.

%% OTP wraps errors in various ways; the name is what they have inside.
error_name({Error, Child}) when element(1, Child) =:= child -> error_name(Error);
error_name({'EXIT', {raised, _}}) -> <<"raised">>;
error_name({shutdown, {failed_to_start_child, Id, Error}}) ->
    <<"failed_to_start_child(", Id/binary, ":", (error_name(Error))/binary, ")">>;
error_name({start_spec, Error}) -> error_name(Error);
error_name({supervisor_data, Error}) -> error_name(Error);
error_name({duplicate_child_name, _}) -> <<"duplicate_child_id">>;
error_name(Error) when is_tuple(Error), is_atom(element(1, Error)) -> error_name(element(1, Error));
error_name(Error) when is_atom(Error) -> atom_to_binary(Error);
error_name(Error) -> problem({unknown_error, Error}), <<"unknown">>.

%%% ---------------------------------------------------------------------
%%% Canonical order
%%% ---------------------------------------------------------------------

%% A simple_one_for_one supervisor ends its instances in parallel: the order of
%% what they do is put right as ../SCENARIO.md says under "canonical order".
canonical(Events) ->
    Depth = fun(Path) -> length(binary:split(Path, <<"/">>, [global])) end,
    Simple = lists:usort([{Depth(Path), Path}
                          || {_, Path, _, simple} <- ets:tab2list(?PROCESSES)]),
    lists:foldl(fun({_, Sup}, Acc) -> canonical(Sup, Acc, []) end, Events, Simple).

%% The second list holds the events seen, the latest first.
canonical(_, [], Seen) ->
    lists:reverse(Seen);
canonical(Sup, [#{e := exit, p := Sup} = Exit | Events], Seen) ->
    IsError = fun(#{e := report, t := shutdown_error, s := S}) -> S =:= Sup;
                 (_) -> false
              end,
    {Errors, Rest1} = lists:splitwith(IsError, Seen),
    {Below, Rest2} = lists:splitwith(fun(Event) -> instance_of(Sup, Event) =/= none end, Rest1),
    SortedErrors = sort_by(fun(#{r := Class}) -> atom_to_binary(Class) end, lists:reverse(Errors)),
    SortedBelow = sort_by(fun(Event) -> instance_of(Sup, Event) end, lists:reverse(Below)),
    canonical(Sup, Events,
              [Exit | lists:reverse(SortedErrors) ++ lists:reverse(SortedBelow) ++ Rest2]);
canonical(Sup, [Event | Events], Seen) ->
    canonical(Sup, Events, [Event | Seen]).

%% Stable, as lists:keysort is.
sort_by(Key, List) ->
    [Element || {_, Element} <- lists:keysort(1, [{Key(Element), Element} || Element <- List])].

%% The instance of Sup that the event comes from, or none.
instance_of(Sup, Event) ->
    Path = case Event of
               #{e := report, s := S} -> S;
               #{p := P} -> P
           end,
    Size = byte_size(Sup),
    case Path of
        <<Sup:Size/binary, "/", Below/binary>> -> hd(binary:split(Below, <<"/">>));
        _ -> none
    end.

%% The measurements of the bench for the supervisor of Erlang/OTP:
%%
%%     erl -noshell -run bench_otp main TOPIC N CRASHES LABEL...
%%
%% prints the figures as JSON. The children are the leanest there are, without a
%% behaviour.
-module(bench_otp).
-export([main/1, init/1, idler/0, idling/0, victim/1, dying/1]).

main([Topic, N, Crashes | Labels]) ->
    logger:set_primary_config(level, none),
    ets:new(victims, [public, named_table]),
    persistent_term:put(driver, self()),
    persistent_term:put(loud, atomics:new(1, [])),
    Rows = measure(Topic, list_to_integer(N), list_to_integer(Crashes), Labels),
    io:format("{~s}~n", [lists:join(",", [row(R) || R <- Rows])]),
    halt(0).

row({Label, Figures}) ->
    io_lib:format("\"~s\":{~s}", [Label, lists:join(",", [io_lib:format("\"~s\":~.3f", [K, V * 1.0]) || {K, V} <- Figures])]).

%% One of N crashes and is started again, in bursts on fresh supervisors. The
%% first warms up.
measure("restart", N, Crashes, Labels) ->
    Bursts = if N < 1000 -> 50; true -> 4 end,
    [begin
         [_ | Took] = [begin
                           {Sup, _} = listed(N, one_for_one, victim),
                           T = crash(Crashes, N, list_to_atom(Label), 1),
                           stop(Sup),
                           T
                       end || _ <- lists:seq(1, Bursts)],
         Sorted = lists:sort(lists:append(Took)),
         {Label, [{median, quantile(Sorted, 0.5) / 1.0e3}, {p99, quantile(Sorted, 0.99) / 1.0e3}]}
     end || Label <- Labels];

measure("start", N, _, [Label]) ->
    {Sup, Took} = case Label of
        "listed" -> listed(N, one_for_one, idler);
        "dynamic" -> dynamic(N, idler)
    end,
    garbage_collect(),
    [{Label, [{start, Took / 1.0e6}, {stop, stop(Sup) / 1.0e6}]}];

measure("memory", N, _, [Label]) ->
    garbage_collect(),
    Rss = rss(), Total = erlang:memory(total),
    {_, _} = dynamic(N, idler),
    garbage_collect(),
    [{Label, [{bytes, (erlang:memory(total) - Total) / N}, {rss, (rss() - Rss) / N}]}];

measure("all", N, Crashes, [Label]) ->
    {Sup, _} = listed(N, one_for_all, victim),
    Sorted = lists:sort(crash(Crashes, N, error, N)),
    stop(Sup),
    [{Label, [{median, quantile(Sorted, 0.5) / 1.0e6}, {p99, quantile(Sorted, 0.99) / 1.0e6}]}];

measure("million", N, Crashes, [Label]) ->
    {Sup, Took} = dynamic(N, victim),
    Rss = rss(),
    garbage_collect(),
    Sorted = lists:sort(crash(Crashes, N, error, 1)),
    [{Label, [{start, Took / 1.0e6}, {restart, quantile(Sorted, 0.5) / 1.0e3}, {p99, quantile(Sorted, 0.99) / 1.0e3},
              {stop, stop(Sup) / 1.0e6}, {rss, Rss / 1.0e6}]}].

%% Supervisors. The times are nanoseconds.

listed(N, Strategy, Child) ->
    Begin = erlang:monotonic_time(nanosecond),
    {ok, Sup} = supervisor:start_link(?MODULE, {listed, N, Strategy, Child}),
    {Sup, erlang:monotonic_time(nanosecond) - Begin}.

dynamic(N, Child) ->
    Begin = erlang:monotonic_time(nanosecond),
    {ok, Sup} = supervisor:start_link(?MODULE, {dynamic, Child}),
    add(Sup, args(Child), 0, N),
    {Sup, erlang:monotonic_time(nanosecond) - Begin}.

add(_, _, N, N) -> ok;
add(Sup, Args, I, N) ->
    {ok, _} = supervisor:start_child(Sup, Args(I)),
    add(Sup, Args, I + 1, N).

init({listed, N, Strategy, Child}) ->
    Args = args(Child),
    {ok, {#{strategy => Strategy, intensity => 1000000000, period => 1},
          [#{id => I, start => {?MODULE, Child, Args(I)}} || I <- lists:seq(0, N - 1)]}};
init({dynamic, Child}) ->
    {ok, {#{strategy => simple_one_for_one, intensity => 1000000000, period => 1},
          [#{id => child, start => {?MODULE, Child, []}}]}}.

args(idler) -> fun(_) -> [] end;
args(victim) -> fun(I) -> [I] end.

stop(Sup) ->
    unlink(Sup),
    Begin = erlang:monotonic_time(nanosecond),
    Ref = monitor(process, Sup),
    exit(Sup, shutdown),
    receive {'DOWN', Ref, process, Sup, _} -> erlang:monotonic_time(nanosecond) - Begin end.

%% Children: idlers wait for their end, victims crash when told to, and say when
%% they are up while there are crashes.

idler() -> proc_lib:start_link(?MODULE, idling, []).

idling() ->
    proc_lib:init_ack({ok, self()}),
    receive never -> ok end.

victim(I) -> proc_lib:start_link(?MODULE, dying, [I]).

dying(I) ->
    ets:insert(victims, {I, self()}),
    proc_lib:init_ack({ok, self()}),
    case atomics:get(persistent_term:get(loud), 1) of
        1 -> persistent_term:get(driver) ! up;
        0 -> ok
    end,
    receive
        error -> exit(crash);
        panic -> error(crash)
    end.

awaitup(0) -> ok;
awaitup(N) -> receive up -> awaitup(N - 1) end.

%% crash tells random children to crash, one after the other, and returns the
%% times until all of the N that go down with one were up again.
crash(Times, Children, By, N) ->
    rand:seed(exsss, {47, 11, N}),
    Loud = persistent_term:get(loud),
    atomics:put(Loud, 1, 1),
    Took = [begin
                [{_, Pid}] = ets:lookup(victims, rand:uniform(Children) - 1),
                Begin = erlang:monotonic_time(nanosecond),
                Pid ! By,
                awaitup(N),
                erlang:monotonic_time(nanosecond) - Begin
            end || _ <- lists:seq(1, Times)],
    atomics:put(Loud, 1, 0),
    Took.

quantile(Sorted, Q) -> lists:nth(1 + trunc(Q * (length(Sorted) - 1)), Sorted).

%% The resident memory of this process; 0 where there is no such file.
rss() ->
    case file:read_file("/proc/self/statm") of
        {ok, Statm} ->
            [_, Pages | _] = string:lexemes(binary_to_list(Statm), " "),
            list_to_integer(Pages) * 4096;
        _ -> 0
    end.

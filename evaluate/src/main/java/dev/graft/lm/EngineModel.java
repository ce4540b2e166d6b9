package dev.graft.lm;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.decoder.Forward;
import dev.graft.kernel.KernelChoice;
import dev.graft.kernel.Kernels;
import dev.graft.sample.NextToken;
import dev.graft.sample.Sampler;
import dev.graft.sample.SamplingOptions;
import dev.graft.sample.TextWriter;
import dev.graft.schedule.Request;
import dev.graft.schedule.Scheduler;
import dev.graft.schedule.SchedulerOptions;
import dev.graft.text.ChatTemplate;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;

/**
 * A model on the inference engine: requests in batches over its scheduler, what they begin with in
 * common computed once. Continuations of one context that differ in their last token only are one
 * request.
 */
public final class EngineModel implements LanguageModel {
  /** Requests with the scheduler at once: as many as run, and some that can follow at once. */
  private static final int AT_ONCE = 32;

  /** Of prompts in one step: the more, the less time goes into decoding weights. */
  private static final int PROMPT_TOKENS = 1024;

  private final String name;
  private final Forward forward;
  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> template;
  private final Set<Integer> ends;
  private final int context;
  private final int vocab;
  private final TokenPairs pairs;
  private final Kernels kernels = KernelChoice.best();
  private final Scheduler scheduler;

  /**
   * A model over an engine, which it does not close.
   *
   * @param ends tokens that end an answer
   * @param context tokens of a text at most
   * @throws InvalidInputException if the tokenizer has neither a BOS nor an EOS token
   */
  public EngineModel(
      String name,
      Forward forward,
      Tokenizer tokenizer,
      Optional<ChatTemplate> template,
      Set<Integer> ends,
      int context) {
    this.name = name;
    this.forward = forward;
    this.tokenizer = tokenizer;
    this.template = template;
    this.ends = Set.copyOf(ends);
    this.context = context;
    this.vocab = forward.spec().vocabSize();
    this.pairs = TokenPairs.of(name, tokenizer);
    SchedulerOptions standard = SchedulerOptions.standard();
    // Nobody waits for a single answer: prompts go in as fast as they can beside decode, too.
    this.scheduler =
        new Scheduler(
            forward, new SchedulerOptions(standard.maxSequences(), PROMPT_TOKENS, PROMPT_TOKENS));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Optional<ChatFormat> chat() {
    return template.map(t -> messages -> t.render(messages, true));
  }

  /** A continuation within an input. */
  private record Member(int index, int[] continuation, int dropped) {}

  /** What is fed, and whose tokens are looked up in its logits. */
  private record Input(int[] ids, List<Member> members) {
    int firstScored() {
      return ids.length - members.stream().mapToInt(m -> m.continuation.length).max().orElseThrow();
    }
  }

  @Override
  public void logLikelihoods(List<Continuation> asked, Answers<Likelihood> answers)
      throws IOException {
    List<TokenPairs.Pair> tokens = new ArrayList<>();
    for (Continuation one : asked) {
      tokens.add(pairs.pair(one.context(), one.continuation()));
    }
    score(tokens, answers);
  }

  @Override
  public void rolling(List<String> texts, Answers<Likelihood> answers) throws IOException {
    RollingWindows windows = new RollingWindows(pairs, texts, context);
    score(windows.pairs(), windows.collect(answers));
  }

  private void score(List<TokenPairs.Pair> tokens, Answers<Likelihood> answers) throws IOException {
    Map<IntBuffer, Input> inputs = new LinkedHashMap<>();
    for (int i = 0; i < tokens.size(); i++) {
      TokenPairs.Pair pair = tokens.get(i);
      int[] continuation = pair.continuation();
      if (continuation.length == 0) {
        answers.answer(i, RollingWindows.NOTHING);
        continue;
      }
      if (continuation.length > context) {
        throw new InvalidInputException(
            "a continuation has "
                + continuation.length
                + " tokens, but the context of "
                + name
                + " is "
                + context
                + "; leave out this task or raise --max-context");
      }
      int whole = pair.context().length + continuation.length;
      int dropped = Math.max(0, whole - (context + 1));
      int[] ids =
          IntStream.concat(Arrays.stream(pair.context()), Arrays.stream(continuation))
              .skip(dropped)
              .limit(whole - dropped - 1)
              .toArray();
      inputs
          .computeIfAbsent(IntBuffer.wrap(ids), key -> new Input(ids, new ArrayList<>()))
          .members
          .add(new Member(i, continuation, dropped));
    }
    List<Input> list = List.copyOf(inputs.values());
    run(
        list.stream().map(Input::ids).toList(),
        (at, computed) -> {
          Scored scored = new Scored(list.get(at));
          return new Running(
              new Request(
                  scored.input.ids,
                  1,
                  logits -> {
                    computed.run();
                    scored.see(scored.input.ids.length - 1, logits, 0);
                    return new NextToken.Choice(0, true);
                  },
                  Optional.of(new Request.Scoring(scored.input.firstScored(), scored::see))),
              () -> scored.answer(answers));
        });
  }

  /** Sums up the log-probabilities of one input's continuations as their logits come. */
  private final class Scored {
    private final Input input;
    private final double[] sums;
    private final boolean[] greedy;

    Scored(Input input) {
      this.input = input;
      this.sums = new double[input.members.size()];
      this.greedy = new boolean[input.members.size()];
      Arrays.fill(greedy, true);
    }

    void see(int position, float[] logits, int row) {
      double total = kernels.logSumExp(logits, row, vocab);
      // A long text soon has a token that is not the likeliest; looking for that one takes a while.
      int best =
          IntStream.range(0, greedy.length).anyMatch(m -> greedy[m]) ? likeliest(logits, row) : -1;
      for (int m = 0; m < sums.length; m++) {
        int[] continuation = input.members.get(m).continuation;
        int at = position - (input.ids.length - continuation.length);
        if (at >= 0) {
          sums[m] += logits[row + continuation[at]] - total;
          greedy[m] &= continuation[at] == best;
        }
      }
    }

    private int likeliest(float[] logits, int row) {
      int best = 0;
      for (int v = 1; v < vocab; v++) {
        best = logits[row + v] > logits[row + best] ? v : best;
      }
      return best;
    }

    void answer(Answers<Likelihood> answers) throws IOException {
      for (int m = 0; m < sums.length; m++) {
        Member member = input.members.get(m);
        if (Double.isNaN(sums[m])) {
          throw new IOException(
              name + " gives logits that are no numbers; its weights may be damaged");
        }
        answers.answer(
            member.index,
            new Likelihood(sums[m], greedy[m], member.continuation.length, member.dropped));
      }
    }
  }

  @Override
  public void write(List<Prompt> prompts, Answers<Written> answers) throws IOException {
    List<int[]> ids = new ArrayList<>();
    int[] dropped = new int[prompts.size()];
    for (int i = 0; i < prompts.size(); i++) {
      Prompt prompt = prompts.get(i);
      int room = context - prompt.maxTokens();
      if (room < 1) {
        throw new InvalidInputException(
            "a task lets "
                + prompt.maxTokens()
                + " tokens be written, but the context of "
                + name
                + " is "
                + context
                + "; leave out this task or raise --max-context");
      }
      int[] all = pairs.encode(prompt.text());
      if (all.length == 0) {
        all = new int[] {pairs.prefix()};
      }
      dropped[i] = Math.max(0, all.length - room);
      ids.add(Arrays.copyOfRange(all, dropped[i], all.length));
    }
    run(
        ids,
        (at, computed) -> {
          Prompt prompt = prompts.get(at);
          StringBuilder text = new StringBuilder();
          TextWriter writer =
              new TextWriter(
                  new Sampler(
                      new SamplingOptions(prompt.temperature(), 0, 1, 0, 1, prompt.seed()),
                      ids.get(at)),
                  tokenizer,
                  ends(prompt.until()),
                  prompt.until(),
                  text::append);
          return new Running(
              new Request(
                  ids.get(at),
                  prompt.maxTokens(),
                  logits -> {
                    computed.run();
                    return writer.choose(logits);
                  }),
              () -> {
                writer.finish();
                answers.answer(at, new Written(text.toString(), writer.tokens(), dropped[at]));
              });
        });
  }

  /** The model's own, and special tokens among the strings, which never become text. */
  private Set<Integer> ends(List<String> until) {
    Set<Integer> all = new HashSet<>(ends);
    for (String stop : until) {
      int[] ids = tokenizer.encode(stop);
      if (ids.length == 1 && tokenizer.decode(ids).isEmpty()) {
        all.add(ids[0]);
      }
    }
    return all;
  }

  /** What to do when a request has ended. */
  @FunctionalInterface
  private interface Ending {
    void run() throws IOException;
  }

  private record Running(Request request, Ending ending) {}

  /**
   * Makes the request of one prompt; {@code computed} is to be called when that is in the cache.
   */
  @FunctionalInterface
  private interface Making {
    Running make(int prompt, Runnable computed);
  }

  private void run(List<int[]> prompts, Making making) throws IOException {
    PrefixOrder order = new PrefixOrder(prompts, forward.pageSize());
    List<Running> ended = new ArrayList<>();
    List<Throwable> failures = new ArrayList<>();
    int begun = 0;
    int done = 0;
    while (done < prompts.size()) {
      OptionalInt next = order.next();
      while (next.isPresent()) {
        int prompt = next.getAsInt();
        Running running = making.make(prompt, () -> order.computed(prompt));
        begun++;
        var _ =
            scheduler
                .submit(running.request)
                .done()
                .whenComplete((finish, failure) -> {
                  ended.add(running);
                  if (failure != null) {
                    failures.add(failure);
                  }
                });
        next = begun - done < AT_ONCE ? order.next() : OptionalInt.empty();
      }
      if (!scheduler.step()) {
        throw new IllegalStateException("the scheduler has nothing to do, but answers are missing");
      }
      if (!failures.isEmpty()) {
        throw failures.getFirst() instanceof RuntimeException cause
            ? cause
            : new CompletionException(failures.getFirst());
      }
      for (Running running : ended) {
        running.ending.run();
        done++;
      }
      ended.clear();
    }
  }

  @Override
  public void close() {}
}

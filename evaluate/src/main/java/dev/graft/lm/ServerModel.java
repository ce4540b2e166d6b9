package dev.graft.lm;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.text.ChatTemplate;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model behind an OpenAI-compatible server, asked through {@code /v1/completions}: continuations
 * are scored by {@code echo} with {@code logprobs}, as lm-evaluation-harness's {@code
 * local-completions} does. With the model's tokenizer prompts are token ids, exactly those of
 * {@link EngineModel}; without it they are text, the server says how many tokens a context has, and
 * whole texts cannot be scored.
 */
public final class ServerModel implements LanguageModel {
  /** Requests that wait for the server at once. */
  private static final int AT_ONCE = 16;

  private static final int NO_LIMIT = Integer.MAX_VALUE;

  private final CompletionsClient client;
  private final String model;
  private final Optional<Tokenizer> tokenizer;
  private final Optional<TokenPairs> pairs;
  private final Optional<ChatTemplate> template;
  private final int context;

  private ServerModel(
      CompletionsClient client,
      String model,
      Optional<Tokenizer> tokenizer,
      Optional<TokenPairs> pairs,
      Optional<ChatTemplate> template,
      int context) {
    this.client = client;
    this.model = model;
    this.tokenizer = tokenizer;
    this.pairs = pairs;
    this.template = template;
    this.context = context;
  }

  /**
   * Asks a server.
   *
   * @param server its address
   * @param model the server's name for the model; absent: the first it names
   * @param directory with the model's tokenizer
   * @param context tokens of prompt and answer at most, where the tokenizer is known
   * @param key sent as a bearer token
   */
  public static ServerModel open(
      String server,
      Optional<String> model,
      Optional<Path> directory,
      OptionalInt context,
      Optional<String> key)
      throws IOException {
    CompletionsClient client = new CompletionsClient(server, key, Duration.ofSeconds(1));
    Optional<Tokenizer> tokenizer = Optional.empty();
    try {
      String name = model.isPresent() ? model.get() : client.firstModel();
      Optional<TokenPairs> pairs = Optional.empty();
      Optional<ChatTemplate> template = Optional.empty();
      if (directory.isPresent()) {
        tokenizer = Optional.of(Tokenizer.open(directory.get()));
        pairs = Optional.of(TokenPairs.of(directory.get().toString(), tokenizer.get()));
        template = ChatTemplate.find(directory.get());
      }
      return new ServerModel(client, name, tokenizer, pairs, template, context.orElse(NO_LIMIT));
    } catch (IOException | RuntimeException e) {
      tokenizer.ifPresent(Tokenizer::close);
      client.close();
      throw e;
    }
  }

  @Override
  public String name() {
    return model;
  }

  /** All that answers depend on, as far as it can be known from here. */
  public String identity() {
    return client + " " + model + " " + tokenizer.isPresent() + " " + context;
  }

  @Override
  public Optional<ChatFormat> chat() {
    return template.map(t -> messages -> t.render(messages, true));
  }

  /** The answer to the request with this index. */
  private record Answer<T>(int index, T value) {}

  @Override
  public void logLikelihoods(List<Continuation> asked, Answers<Likelihood> answers)
      throws IOException {
    if (pairs.isPresent()) {
      List<TokenPairs.Pair> tokens = new ArrayList<>();
      for (Continuation one : asked) {
        tokens.add(pairs.get().pair(one.context(), one.continuation()));
      }
      score(tokens, answers);
      return;
    }
    Map<String, List<Integer>> byContext = new LinkedHashMap<>();
    for (int i = 0; i < asked.size(); i++) {
      byContext.computeIfAbsent(asked.get(i).context(), key -> new ArrayList<>()).add(i);
    }
    List<Callable<List<Answer<Likelihood>>>> jobs = new ArrayList<>();
    byContext.forEach((before, indices) ->
        jobs.add(() -> {
          int length = tokens(before);
          List<Answer<Likelihood>> own = new ArrayList<>();
          for (int i : indices) {
            own.add(new Answer<>(i, scoreText(before + asked.get(i).continuation(), length)));
          }
          return own;
        }));
    run(jobs, answers);
  }

  /** How many tokens the server makes of a context, without the white space at its end. */
  private int tokens(String text) throws IOException {
    if (text.isEmpty()) {
      throw new InvalidInputException(
          "a task scores texts that have no context, which needs the model's tokenizer; name its folder with --tokenizer");
    }
    ObjectNode body = request(1).put("prompt", TokenPairs.withoutSpace(text));
    return promptTokens(client.complete(body));
  }

  private int promptTokens(JsonNode answer) {
    JsonNode tokens = answer.path("usage").path("prompt_tokens");
    if (!tokens.isInt()) {
      throw new InvalidInputException(
          client
              + " does not say how many tokens a prompt has (usage.prompt_tokens); name the folder of the model's tokenizer with --tokenizer");
    }
    return tokens.intValue();
  }

  private Likelihood scoreText(String text, int from) throws IOException {
    JsonNode answer = client.complete(echo().put("prompt", text));
    return likelihood(answer, from, promptTokens(answer), 0);
  }

  private void score(List<TokenPairs.Pair> tokens, Answers<Likelihood> answers) throws IOException {
    List<Callable<List<Answer<Likelihood>>>> jobs = new ArrayList<>();
    for (int i = 0; i < tokens.size(); i++) {
      int index = i;
      TokenPairs.Pair pair = tokens.get(i);
      jobs.add(() -> List.of(new Answer<>(index, score(pair))));
    }
    run(jobs, answers);
  }

  private Likelihood score(TokenPairs.Pair pair) throws IOException {
    int[] continuation = pair.continuation();
    if (continuation.length == 0) {
      return new Likelihood(0, true, 0, 0);
    }
    if (continuation.length >= context) {
      throw new InvalidInputException(
          "a continuation has %d tokens, but --max-context is %d; leave out this task or raise it"
              .formatted(continuation.length, context));
    }
    int whole = pair.context().length + continuation.length;
    // One more token is generated, so that a prompt must leave room for it.
    int dropped = context == NO_LIMIT ? 0 : Math.max(0, whole - (context - 1));
    int[] ids =
        IntStream.concat(Arrays.stream(pair.context()), Arrays.stream(continuation))
            .skip(dropped)
            .toArray();
    JsonNode answer = client.complete(prompt(echo(), ids));
    return likelihood(answer, ids.length - continuation.length, ids.length, dropped);
  }

  private Likelihood likelihood(JsonNode answer, int from, int to, int dropped) throws IOException {
    JsonNode scores = answer.path("choices").path(0).path("logprobs");
    JsonNode own = scores.path("token_logprobs");
    JsonNode most = scores.path("top_logprobs");
    if (own.size() < to) {
      throw new InvalidInputException(
          client
              + " does not give the log-probabilities of a prompt (echo with logprobs); only tasks that let the model write can be asked of it");
    }
    double sum = 0;
    boolean greedy = true;
    for (int i = from; i < to; i++) {
      if (!own.get(i).isNumber()) {
        throw new IOException(client + " gives a token no log-probability: " + own.get(i));
      }
      double score = own.get(i).doubleValue();
      sum += score;
      for (Map.Entry<String, JsonNode> other : most.path(i).properties()) {
        greedy &= other.getValue().doubleValue() <= score;
      }
    }
    return new Likelihood(sum, greedy, to - from, dropped);
  }

  private ObjectNode request(int maxTokens) {
    return JsonMapper.shared()
        .createObjectNode()
        .put("model", model)
        .put("max_tokens", maxTokens)
        .put("temperature", 0);
  }

  private ObjectNode echo() {
    return request(1).put("logprobs", 1).put("echo", true);
  }

  private static ObjectNode prompt(ObjectNode body, int[] ids) {
    ArrayNode prompt = body.putArray("prompt");
    for (int id : ids) {
      prompt.add(id);
    }
    return body;
  }

  @Override
  public void rolling(List<String> texts, Answers<Likelihood> answers) throws IOException {
    if (texts.isEmpty()) {
      return;
    }
    if (pairs.isEmpty() || context == NO_LIMIT) {
      throw new InvalidInputException(
          "whole texts are scored in windows of tokens; name the folder of the model's tokenizer with --tokenizer and the server's context with --max-context");
    }
    RollingWindows windows = new RollingWindows(pairs.get(), texts, context - 2);
    score(windows.pairs(), windows.collect(answers));
  }

  @Override
  public void write(List<Prompt> prompts, Answers<Written> answers) throws IOException {
    List<Callable<List<Answer<Written>>>> jobs = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      int index = i;
      Prompt prompt = prompts.get(i);
      jobs.add(() -> List.of(new Answer<>(index, write(prompt))));
    }
    run(jobs, answers);
  }

  private Written write(Prompt prompt) throws IOException {
    ObjectNode body =
        request(prompt.maxTokens())
            .put("temperature", prompt.temperature())
            .put("seed", prompt.seed());
    ArrayNode stop = body.putArray("stop");
    // OpenAI's own limit; what other strings end is cut off below.
    prompt.until().stream().limit(4).forEach(stop::add);
    int dropped = 0;
    if (pairs.isPresent()) {
      int[] ids = pairs.get().encode(prompt.text());
      int room = context - prompt.maxTokens();
      if (room < 1) {
        throw new InvalidInputException(
            "a task lets %d tokens be written, but --max-context is %d; leave out this task or raise it"
                .formatted(prompt.maxTokens(), context));
      }
      dropped = Math.max(0, ids.length - room);
      prompt(body, Arrays.copyOfRange(ids, dropped, ids.length));
    } else {
      body.put("prompt", prompt.text());
    }
    JsonNode answer = client.complete(body);
    JsonNode text = answer.path("choices").path(0).path("text");
    if (!text.isString()) {
      throw new IOException(client + " answered without a text; check --server");
    }
    return new Written(
        untilFirst(text.stringValue(), prompt.until()),
        answer.path("usage").path("completion_tokens").asInt(0),
        dropped);
  }

  private static String untilFirst(String text, List<String> until) {
    int end =
        until.stream()
            .filter(stop -> !stop.isEmpty())
            .mapToInt(text::indexOf)
            .filter(at -> at >= 0)
            .min()
            .orElse(text.length());
    return text.substring(0, end);
  }

  /** Runs all, some at once; hands their answers over on this thread as they come. */
  private static <T> void run(List<Callable<List<Answer<T>>>> jobs, Answers<T> answers)
      throws IOException {
    ExecutorService pool = Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory());
    try {
      ExecutorCompletionService<List<Answer<T>>> running = new ExecutorCompletionService<>(pool);
      jobs.forEach(running::submit);
      for (int i = 0; i < jobs.size(); i++) {
        for (Answer<T> answer : running.take().get()) {
          answers.answer(answer.index, answer.value);
        }
      }
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException cause -> throw cause;
        case RuntimeException cause -> throw cause;
        default -> throw new IllegalStateException(e.getCause());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("the evaluation was interrupted", e);
    } finally {
      pool.shutdownNow();
    }
  }

  @Override
  public void close() {
    tokenizer.ifPresent(Tokenizer::close);
    client.close();
  }
}

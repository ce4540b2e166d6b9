package dev.graft.http;

import dev.graft.openai.AnswerForm;
import dev.graft.openai.ApiException;
import dev.graft.openai.GenerationParameters;
import dev.graft.openai.TokenScore;
import dev.graft.openai.Usage;
import dev.graft.openai.WholeChoice;
import dev.graft.schedule.Finish;
import dev.graft.service.Answer;
import dev.graft.service.AnswerEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import tools.jackson.databind.node.ObjectNode;

/** Sends an answer under way, at once or as it comes. */
record AnswerSender(Exchange exchange, GenerationParameters parameters, Consumer<String> log) {
  private static final String DONE = "data: [DONE]\n\n";

  /** Text and scores of a choice so far. */
  private static final class Collected {
    private final StringBuilder text = new StringBuilder();
    private final List<TokenScore> scores = new ArrayList<>();
    private String finish = "";
  }

  /**
   * Waits for all of it and sends it.
   *
   * @param echoes text to put in front of each choice, for requests that want their prompts back
   */
  void whole(Answer answer, AnswerForm form, Optional<List<String>> echoes) throws Exception {
    List<Collected> choices = new ArrayList<>();
    for (int i = 0; i < answer.choices(); i++) {
      choices.add(new Collected());
    }
    int[] prompts = new int[answer.choices()];
    boolean none = parameters.maxTokens().isPresent() && parameters.maxTokens().getAsInt() == 0;
    int tokens = 0;
    for (int open = choices.size(); open > 0; ) {
      switch (answer.next()) {
        case AnswerEvent.Piece(int choice, String text, List<TokenScore> scores) -> {
          choices.get(choice).text.append(text);
          choices.get(choice).scores.addAll(scores);
        }
        case AnswerEvent.Ended(int choice, Finish finish, int prompt, int count) -> {
          choices.get(choice).finish = reason(finish);
          prompts[choice] = prompt;
          tokens += count;
          open--;
        }
        case AnswerEvent.Failed(int choice, Throwable cause) -> {
          throw Failures.of(cause, log);
        }
      }
    }
    List<WholeChoice> done = new ArrayList<>();
    for (int i = 0; i < choices.size(); i++) {
      Collected choice = choices.get(i);
      String text = none ? "" : choice.text.toString();
      List<TokenScore> scores = new ArrayList<>(answer.promptScores(i));
      if (!none) {
        scores.addAll(choice.scores);
      }
      String echo = echoes.isEmpty() ? "" : echoes.get().get(i / parameters.n());
      done.add(new WholeChoice(echo + text, scores, none ? "length" : choice.finish));
    }
    exchange.reply(200, form.whole(done, usage(prompts, none ? 0 : tokens)));
  }

  /** Sends it as server-sent events. */
  void stream(Answer answer, AnswerForm form) throws IOException, InterruptedException {
    exchange.beginEvents();
    StringBuilder out = new StringBuilder();
    int[] prompts = new int[answer.choices()];
    int tokens = 0;
    for (int i = 0; i < answer.choices(); i++) {
      form.begin(i).ifPresent(json -> event(out, json));
    }
    try {
      for (int open = answer.choices(); open > 0; ) {
        if (out.length() > 0) {
          exchange.events(out);
          out.setLength(0);
        }
        // What came while the last events were on their way goes out together.
        Optional<AnswerEvent> next = Optional.of(answer.next());
        for (; next.isPresent(); next = answer.poll()) {
          switch (next.get()) {
            case AnswerEvent.Piece(int choice, String text, List<TokenScore> scores) ->
                event(out, form.piece(choice, text, scores));
            case AnswerEvent.Ended(int choice, Finish finish, int prompt, int count) -> {
              event(out, form.end(choice, reason(finish)));
              prompts[choice] = prompt;
              tokens += count;
              open--;
            }
            case AnswerEvent.Failed(int choice, Throwable cause) -> throw Failures.of(cause, log);
          }
        }
      }
      if (parameters.includeUsage()) {
        event(out, form.usage(usage(prompts, tokens)));
      }
      out.append(DONE);
    } catch (ApiException e) {
      event(out, e.json());
    }
    exchange.events(out);
    exchange.endEvents();
  }

  private static void event(StringBuilder out, ObjectNode json) {
    out.append("data: ").append(json).append("\n\n");
  }

  /** A prompt counts once, however many choices it has. */
  private Usage usage(int[] prompts, int tokens) {
    int sum = 0;
    for (int i = 0; i < prompts.length; i += parameters.n()) {
      sum += prompts[i];
    }
    return new Usage(sum, tokens);
  }

  private static String reason(Finish finish) {
    return switch (finish) {
      case STOP -> "stop";
      case LENGTH -> "length";
      case CANCELLED ->
          throw ApiException.of(
              503, "service_unavailable", "the answer was cut short: the server is shutting down");
    };
  }
}

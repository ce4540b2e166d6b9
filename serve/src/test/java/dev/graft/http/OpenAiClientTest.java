package dev.graft.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionChoice;
import com.openai.models.completions.CompletionCreateParams;
import dev.graft.peers.Shared;
import dev.graft.schedule.SchedulerOptions;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A conversation by OpenAI's own client for Java. */
class OpenAiClientTest {
  private static final String KEY = "the key of this test";
  private static final String PROMPT = "The capital of France is";
  private static TestServer server;
  private static OpenAIClient client;
  private static String model;

  @BeforeAll
  static void start() throws Exception {
    server =
        new TestServer(
            Shared.smollm2(),
            64,
            SchedulerOptions.standard(),
            16,
            options -> ServerOptions.of(options.host(), options.port(), List.of(KEY)));
    client = client(KEY);
    model = client.models().list().data().get(0).id();
  }

  @AfterAll
  static void stop() {
    if (client != null) {
      client.close();
    }
    if (server != null) {
      server.close();
    }
  }

  private static OpenAIClient client(String key) {
    return OpenAIOkHttpClient.builder()
        .baseUrl("http://127.0.0.1:" + server.port() + "/v1")
        .apiKey(key)
        .maxRetries(0)
        .timeout(TestServer.PATIENCE)
        .build();
  }

  private static CompletionCreateParams.Builder completion() {
    return CompletionCreateParams.builder()
        .model(model)
        .prompt(PROMPT)
        .maxTokens(12)
        .temperature(0);
  }

  private static ChatCompletionCreateParams.Builder chat() {
    return ChatCompletionCreateParams.builder()
        .model(model)
        .addSystemMessage("You are a helpful assistant.")
        .addUserMessage("Name three colours.")
        .maxCompletionTokens(24)
        .temperature(0);
  }

  private static String text(ChatCompletion answer) {
    return answer.choices().get(0).message().content().orElseThrow();
  }

  @Test
  void theModel() {
    assertEquals(model, client.models().retrieve(model).id());
    NotFoundException unknown =
        assertThrows(NotFoundException.class, () -> client.models().retrieve("nobody/knows-it"));
    assertEquals("model_not_found", unknown.code().orElseThrow());
    assertTrue(unknown.getMessage().contains("'nobody/knows-it'"), unknown.getMessage());
  }

  @Test
  void aCompletion() {
    Completion answer = client.completions().create(completion().build());
    CompletionChoice choice = answer.validate().choices().get(0);
    assertEquals(CompletionChoice.FinishReason.LENGTH, choice.finishReason());
    assertEquals(12, answer.usage().orElseThrow().completionTokens());
    try (StreamResponse<Completion> stream =
        client.completions().createStreaming(completion().build())) {
      assertEquals(
          choice.text(),
          stream.stream()
              .map(piece -> piece.choices().get(0).text())
              .collect(Collectors.joining()));
    }
  }

  @Test
  void completionsOfSeveralPromptsWithLogprobs() {
    CompletionCreateParams asked =
        completion().promptOfArrayOfStrings(List.of(PROMPT, PROMPT)).n(2).logprobs(2).build();
    List<CompletionChoice> choices = client.completions().create(asked).choices();
    assertEquals(4, choices.size());
    for (CompletionChoice choice : choices) {
      CompletionChoice.Logprobs scores = choice.logprobs().orElseThrow();
      assertEquals(choices.get(0).text(), choice.text());
      assertEquals(choice.text(), String.join("", scores.tokens().orElseThrow()));
      assertEquals(12, scores.tokenLogprobs().orElseThrow().size());
      assertTrue(scores.tokenLogprobs().orElseThrow().stream().allMatch(one -> one <= 0));
    }
  }

  @Test
  void aConversation() {
    ChatCompletionCreateParams.Builder asked = chat();
    for (String question : List.of("And three animals?", "Thank you.")) {
      ChatCompletion answer = client.chat().completions().create(asked.build()).validate();
      assertTrue(!text(answer).isEmpty());
      asked.addMessage(answer.choices().get(0).message()).addUserMessage(question);
    }
    assertEquals(6, asked.build().messages().size());
  }

  @Test
  void aConversationStreamed() {
    ChatCompletion whole = client.chat().completions().create(chat().build());
    ChatCompletionAccumulator pieces = ChatCompletionAccumulator.create();
    ChatCompletionCreateParams asked =
        chat()
            .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
            .build();
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(asked)) {
      stream.stream().forEach(pieces::accumulate);
    }
    assertEquals(text(whole), text(pieces.chatCompletion()));
    assertEquals(
        whole.choices().get(0).finishReason(),
        pieces.chatCompletion().choices().get(0).finishReason());
    assertEquals(whole.usage(), pieces.chatCompletion().usage());
  }

  @Test
  void aConversationWithLogprobsAndStop() {
    ChatCompletion answer =
        client.chat().completions().create(chat().logprobs(true).topLogprobs(3).build());
    answer
        .choices()
        .get(0)
        .logprobs()
        .flatMap(ChatCompletion.Choice.Logprobs::content)
        .orElseThrow()
        .forEach(one -> {
          assertEquals(3, one.topLogprobs().size());
          assertEquals(one.logprob(), one.topLogprobs().get(0).logprob());
        });
    String whole = text(answer);
    String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 3);
    ChatCompletion stopped = client.chat().completions().create(chat().stop(stop).build());
    assertEquals(whole.substring(0, whole.indexOf(stop)), text(stopped));
    assertEquals(ChatCompletion.Choice.FinishReason.STOP, stopped.choices().get(0).finishReason());
  }

  @Test
  void errorsAreTyped() {
    NotFoundException unknown =
        assertThrows(
            NotFoundException.class,
            () -> client.completions().create(completion().model("nobody/knows-it").build()));
    assertEquals("model_not_found", unknown.code().orElseThrow());
    BadRequestException wrong =
        assertThrows(
            BadRequestException.class,
            () -> client.chat().completions().create(chat().temperature(-1).build()));
    assertEquals("temperature", wrong.param().orElseThrow());
    OpenAIClient stranger = client("another key");
    try {
      assertThrows(UnauthorizedException.class, () -> stranger.models().list());
    } finally {
      stranger.close();
    }
  }

  @Test
  void aStreamThatIsLeft() throws Exception {
    try (StreamResponse<Completion> stream =
        client.completions().createStreaming(completion().maxTokens(1000).build())) {
      assertTrue(stream.stream().findFirst().isPresent());
    }
    server.awaitRest();
  }
}

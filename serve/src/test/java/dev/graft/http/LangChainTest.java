package dev.graft.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.peers.Shared;
import dev.graft.schedule.SchedulerOptions;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.StreamingResponseHandler;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiLanguageModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingLanguageModel;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.Response;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A conversation by LangChain4j's OpenAI module. */
class LangChainTest {
  private static final List<ChatMessage> ASKED =
      List.of(
          SystemMessage.from("You are a helpful assistant."),
          UserMessage.from("Name three colours."));
  private static TestServer server;
  private static String url;
  private static String model;

  @BeforeAll
  static void start() throws Exception {
    server =
        new TestServer(
            Shared.smollm2(), 64, SchedulerOptions.standard(), 16, UnaryOperator.identity());
    url = "http://127.0.0.1:" + server.port() + "/v1";
    model = Shared.smollm2().getFileName().toString();
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  private static OpenAiChatModel.OpenAiChatModelBuilder chat() {
    return OpenAiChatModel.builder()
        .baseUrl(url)
        .apiKey("none")
        .modelName(model)
        .temperature(0.0)
        .maxCompletionTokens(24)
        .maxRetries(0)
        .timeout(TestServer.PATIENCE);
  }

  /** What a stream brought: its pieces put together, and the answer that it ended with. */
  private static final class Stream implements StreamingChatResponseHandler {
    private final StringBuilder pieces = new StringBuilder();
    private final CompletableFuture<ChatResponse> answer = new CompletableFuture<>();

    @Override
    public void onPartialResponse(String piece) {
      pieces.append(piece);
    }

    @Override
    public void onCompleteResponse(ChatResponse response) {
      answer.complete(response);
    }

    @Override
    public void onError(Throwable failure) {
      answer.completeExceptionally(failure);
    }
  }

  @Test
  void aConversation() {
    OpenAiChatModel chat = chat().build();
    List<ChatMessage> messages = new ArrayList<>(ASKED);
    for (String question : List.of("And three animals?", "Thank you.")) {
      ChatResponse answer = chat.chat(messages);
      assertTrue(!answer.aiMessage().text().isEmpty());
      assertTrue(
          List.of(FinishReason.STOP, FinishReason.LENGTH).contains(answer.finishReason()),
          answer.toString());
      assertTrue(answer.tokenUsage().outputTokenCount() <= 24);
      messages.add(answer.aiMessage());
      messages.add(UserMessage.from(question));
    }
  }

  @Test
  void aConversationStreamed() throws Exception {
    ChatResponse whole = chat().build().chat(ASKED);
    Stream stream = new Stream();
    OpenAiStreamingChatModel.builder()
        .baseUrl(url)
        .apiKey("none")
        .modelName(model)
        .temperature(0.0)
        .maxCompletionTokens(24)
        .build()
        .chat(ASKED, stream);
    ChatResponse streamed = stream.answer.get(60, TimeUnit.SECONDS);
    assertEquals(whole.aiMessage().text(), streamed.aiMessage().text());
    assertEquals(whole.aiMessage().text(), stream.pieces.toString());
    assertEquals(whole.finishReason(), streamed.finishReason());
    assertEquals(whole.tokenUsage().outputTokenCount(), streamed.tokenUsage().outputTokenCount());
  }

  @Test
  void completionsWholeAndStreamed() throws Exception {
    String whole =
        OpenAiLanguageModel.builder()
            .baseUrl(url)
            .apiKey("none")
            .modelName(model)
            .temperature(0.0)
            .maxRetries(0)
            .build()
            .generate("The capital of France is")
            .content();
    StringBuilder pieces = new StringBuilder();
    CompletableFuture<Response<String>> answer = new CompletableFuture<>();
    OpenAiStreamingLanguageModel.builder()
        .baseUrl(url)
        .apiKey("none")
        .modelName(model)
        .temperature(0.0)
        .build()
        .generate(
            "The capital of France is",
            new StreamingResponseHandler<>() {
              @Override
              public void onNext(String piece) {
                pieces.append(piece);
              }

              @Override
              public void onComplete(Response<String> response) {
                answer.complete(response);
              }

              @Override
              public void onError(Throwable failure) {
                answer.completeExceptionally(failure);
              }
            });
    assertEquals(whole, answer.get(60, TimeUnit.SECONDS).content());
    assertEquals(whole, pieces.toString());
  }

  @Test
  void errorsAreTyped() {
    OpenAiChatModel unknown = chat().modelName("nobody/knows-it").build();
    assertThrows(ModelNotFoundException.class, () -> unknown.chat(ASKED));
    OpenAiChatModel wrong = chat().temperature(-1.0).build();
    InvalidRequestException refused =
        assertThrows(InvalidRequestException.class, () -> wrong.chat(ASKED));
    assertTrue(refused.getMessage().contains("temperature"), refused.getMessage());
  }
}

//! What holds when a handler falls.

use std::sync::Arc;

use actix_web::body::to_bytes;
use actix_web::middleware::from_fn;
use actix_web::{App as Web, HttpResponse, test, web};
use serde_json::Value as Json;

use super::passage::passage;
use super::{Api, ApiSettings};
use crate::app::{App, LeaseTimes};
use crate::clock::SystemClock;
use crate::pipeline::schedule::Shutdown;
use crate::store::{Access, Store};

fn api(folder: &std::path::Path) -> web::Data<Api> {
    let store = Arc::new(Store::open(folder, Access::Alone).unwrap());
    let app = Arc::new(App::new(store, Arc::new(SystemClock), LeaseTimes::default()));
    let (_, shutdown) = Shutdown::new();
    web::Data::new(Api::new(app, ApiSettings::default(), "http://localhost".to_owned(), shutdown))
}

async fn falls() -> HttpResponse {
    panic!("a mistake of ours");
}

#[actix_web::test]
async fn a_handler_that_panics_has_failed_and_the_server_has_not() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::new().app_data(api(folder.path())).wrap(from_fn(passage)).route("/falls", web::get().to(falls));
    let service = test::init_service(web.route("/stands", web::get().to(HttpResponse::Ok))).await;
    let fallen = test::try_call_service(&service, test::TestRequest::get().uri("/falls").to_request()).await;
    let answer = fallen.err().unwrap().error_response();
    assert_eq!(answer.status(), 500);
    let id = answer.headers().get("request-id").unwrap().to_str().unwrap().to_owned();
    let body: Json = serde_json::from_slice(&to_bytes(answer.into_body()).await.unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "InternalServerError");
    assert_eq!(body["error"]["innerError"]["request-id"], id.as_str());
    assert!(!body.to_string().contains("mistake"));
    let answer = test::call_service(&service, test::TestRequest::get().uri("/stands").to_request()).await;
    assert_eq!(answer.status(), 200);
}

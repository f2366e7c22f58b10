//! The OpenAPI document, generated from the very list of routes that is served.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::routes::{Access, RouteInfo};

/// Returns the document as JSON text.
pub(crate) fn document(list: &[RouteInfo]) -> String {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    for route in list {
        for shape in [&route.takes, &route.gives].into_iter().flatten() {
            for (name, schema) in &shape.schemas {
                if let Ok(schema) = serde_json::to_value(schema) {
                    schemas.insert(name.clone(), schema);
                }
            }
        }
        let method = route.method.word().to_ascii_lowercase();
        paths.entry(&route.path).or_default().insert(method, operation(route));
    }
    schemas.insert("Problem".to_owned(), problem());
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lũy Tre",
            "version": "v1",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": crate::render::API }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    });
    document.to_string()
}

fn operation(route: &RouteInfo) -> Value {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [route.path.split('/').nth(1).filter(|tag| !tag.is_empty()).unwrap_or("site")],
        "summary": route.summary,
        "responses": {
            "200": match &route.gives {
                Some(shape) => json!({
                    "description": "what was asked for",
                    "content": { "application/json": { "schema": reference(&shape.name) } },
                }),
                None => json!({ "description": "what was asked for" }),
            },
            "default": {
                "description": "what went wrong",
                "content": { "application/problem+json": { "schema": reference("Problem") } },
            },
        },
    });
    let Some(fields) = operation.as_object_mut() else { return operation };
    match route.access {
        Access::Public => {
            fields.insert("security".to_owned(), json!([]));
        }
        Access::SignedIn => {}
        Access::Needs(permission) => {
            fields.insert("x-permission".to_owned(), json!(permission));
        }
    }
    if let Some(shape) = &route.takes {
        let body = json!({
            "required": true,
            "content": { "application/json": { "schema": reference(&shape.name) } },
        });
        fields.insert("requestBody".to_owned(), body);
    }
    let parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')))
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect();
    if !parameters.is_empty() {
        fields.insert("parameters".to_owned(), json!(parameters));
    }
    operation
}

/// Returns a name that generated clients give the call: `get_alerts_by_id`.
fn operation_id(route: &RouteInfo) -> String {
    let mut id = route.method.word().to_ascii_lowercase();
    for part in route.path.split('/').filter(|part| !part.is_empty()) {
        id.push('_');
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => {
                id.push_str("by_");
                id.push_str(name);
            }
            None => id.push_str(&part.replace(['-', '.'], "_")),
        }
    }
    id
}

fn problem() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "description": "RFC 9457 problem details",
        "required": ["type", "title", "status"],
        "properties": {
            "type": text, "title": text, "status": { "type": "integer" }, "detail": text,
            "instance": text,
            "fields": { "type": "object", "additionalProperties": text },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "detail"],
                    "properties": { "pointer": text, "detail": text },
                },
            },
        },
    })
}
